internal import CarillonNet
internal import Channels
internal import Domain
internal import Storage
internal import Telemetry

// From a claim to a word: read what is needed, decide again, render, send, judge.

extension DeliveryWorker {
    /// How often a delivery is claimed without a word before it is taken for what kills its workers.
    private static let claimsUntilPoison: Int32 = 10

    /// Sends claimed deliveries of one tenant. Returns when the sends have begun.
    func send(_ ids: [DeliveryID], of work: TenantWork) async {
        do throws(StorageError) {
            guard let means = try await means(of: work) else {
                // Suspended since the last renewal; the next one takes the tenant from us.
                let later = environment.now().advanced(by: configuration.lease.renewal)
                for id in ids { settle(id, .retry(at: later), of: work) }
                return
            }
            let rows = try await rows(of: ids, work)
            work.underWay.readBegins(at: loop.now)
            // Read last, right before the sends begin: what was changed until now is obeyed.
            let facts = try await work.store.facts(
                of: Array(Set(rows.readable.map(\.event.account) + [nil])),
                Clocks(zone: means.tenant.timeZone, now: environment.now()))
            work.rest = nil
            let look = SecondLook(
                catalog: configuration.catalog, tenant: means.tenant, facts: facts, now: environment.now(),
                onDecision: decisions.count)
            for delivery in rows.readable { begin(delivery, look, means, of: work) }
            for (id, error) in rows.unreadable {
                environment.onEvent(.readFailed(work.tenant, error))
                settle(id, .failed("unreadable"), of: work)
            }
            // What is not in the queue any more was finished by somebody else.
            for id in Set(ids).subtracting(rows.ids) { drop(id, of: work) }
        } catch {
            putOff(ids, error, of: work)
        }
    }

    /// Claimed deliveries as they were read.
    private struct Rows {
        var readable: [DeliveryWork] = []
        var unreadable: [(id: DeliveryID, error: StorageError)] = []

        var ids: [DeliveryID] { readable.map(\.id) + unreadable.map(\.id) }
    }

    /// Reads claimed deliveries. Nothing is settled here, since what is read next may fail.
    private func rows(of ids: [DeliveryID], _ work: TenantWork) async throws(StorageError) -> Rows {
        do throws(StorageError) {
            return Rows(readable: try await work.store.work(ids))
        } catch {
            guard error.code == .corrupt else { throw error }
            // Read alone, a row that this version cannot read is known for the one.
            if ids.count == 1 { return Rows(unreadable: [(ids[0], error)]) }
        }
        // It must not hold up the others.
        var rows = Rows()
        for id in ids {
            let one = try await self.rows(of: [id], work)
            rows.readable += one.readable
            rows.unreadable += one.unreadable
        }
        return rows
    }

    /// The tenant's key, providers or facts could not be read, or the database could not be asked. That says nothing of the
    /// deliveries, so they wait, whatever the error is; and so does the queue, or all of it would be claimed in vain.
    private func putOff(_ ids: [DeliveryID], _ error: StorageError, of work: TenantWork) {
        environment.onEvent(.readFailed(work.tenant, error))
        // Batches that were under way together fail together; that counts once.
        var rest = work.rest ?? TenantWork.Rest(until: loop.now)
        if rest.until <= loop.now {
            rest.failures += 1
            rest.until = loop.now.advanced(by: Self.pause(afterFailures: rest.failures))
            work.rest = rest
        }
        let later = environment.now().advanced(by: loop.now.duration(to: rest.until))
        for id in ids { settle(id, .retry(at: later), of: work) }
    }

    // MARK: One delivery

    private func begin(
        _ delivery: DeliveryWork, _ look: SecondLook, _ means: SendingMeans, of work: TenantWork
    ) {
        if delivery.claims > 1 {
            environment.onEvent(.repeated(work.tenant, delivery.id, claims: delivery.claims))
            if delivery.claims > Self.claimsUntilPoison {
                return settle(delivery.id, .failed("workers_lost"), of: work)
            }
        }
        switch look.look(at: delivery, besides: work.underWay) {
        case .settle(let resolution):
            settle(delivery.id, resolution, of: work)
        case .place(let reader):
            settle(place(delivery, for: reader, look, means), of: work)
        case .send(let target):
            // The lease may have run out while we were reading.
            guard work.isCurrent, lease?.isHeld(at: loop.now) == true else {
                return settle(delivery.id, .released, of: work)
            }
            send(delivery, to: target, look, means, of: work)
        }
    }

    private func send(
        _ delivery: DeliveryWork, to target: SecondLook.Target, _ look: SecondLook, _ means: SendingMeans,
        of work: TenantWork
    ) {
        guard let provider = means.providers.first(where: { work.rests.take($0.id, at: loop.now) }) else {
            return withoutProvider(delivery, means, of: work)
        }
        let message: EmailMessage
        do throws(MailComposer.Failure) {
            let composer = MailComposer(
                renderer: renderer, catalog: configuration.catalog, tenant: means.tenant, key: means.key,
                settings: look.settings(for: delivery.event.account),
                zone: ZoneBook.shared.rules(target.zone, means.tenant.timeZone, now: environment.now()),
                publicURL: configuration.publicURL)
            message = try composer.mail(for: delivery, to: target, by: provider)
        } catch {
            work.rests.gaveUp(provider.id)
            return settle(delivery.id, .failed(error.rawValue), of: work)
        }
        let startedAt = environment.now()
        if look.hasCaps, let user = target.user, let type = configuration.catalog[delivery.event.type] {
            work.underWay.begin(
                delivery.id, to: user,
                RecentSend(at: startedAt, type: type.key, category: type.category, channel: delivery.id.channel))
        }
        work.sends[delivery.id] = loop.spawn {
            let outcome = await provider.sender.send(message)
            self.ended(delivery, target, provider.id, outcome, startedAt: startedAt, means, of: work)
        }
    }

    private func withoutProvider(_ delivery: DeliveryWork, _ means: SendingMeans, of work: TenantWork) {
        let now = environment.now()
        guard means.providers.isEmpty else {
            let wait = work.rests.wait(for: means.providers.map(\.id), at: loop.now)
            return settle(delivery.id, .retry(at: now.advanced(by: wait)), of: work)
        }
        // There are some, but none that can be used as it is stored: its owner was told, and may put it right.
        let failure = Outcome.temporary(.init(.providerMisconfigured))
        let attempt = NewAttempt(
            provider: nil, outcome: .temporaryFailure, detail: FailureReason.providerMisconfigured.rawValue,
            startedAt: now, finishedAt: now)
        let resolution = resolution(of: failure, for: delivery, hasOtherProvider: false)
        settle(delivery.id, resolution, attempt: attempt, of: work)
    }

    private func ended(
        _ delivery: DeliveryWork, _ target: SecondLook.Target, _ provider: ProviderID, _ outcome: Outcome,
        startedAt: Instant, _ means: SendingMeans, of work: TenantWork
    ) {
        loop.assertOnLoop()
        work.sends[delivery.id] = nil
        if outcome.hasFailed { work.underWay.fail(delivery.id) }
        let now = environment.now()
        if outcome.isOurOwnDoing {
            work.rests.gaveUp(provider)
            let isCutOff = outcome.failure?.reason == .cancelled
            return settle(
                delivery.id, isCutOff ? .released : .retry(at: now.advanced(by: ProviderRests.firstRest)), of: work)
        }
        if outcome.failsProvider {
            let rest = work.rests.failed(
                provider, at: loop.now, asked: outcome.failure?.retryAfter, randomness: environment.randomness())
            environment.onEvent(
                .providerRests(work.tenant, provider, rest, code: outcome.failure?.reason.rawValue ?? ""))
        } else {
            work.rests.answered(provider)
        }
        let hasOther = means.providers.contains { $0.id != provider && work.rests.isAwake($0.id, at: loop.now) }
        var deadAddress: Recorder.DeadAddress?
        if case .permanent(let failure) = outcome, failure.reason.condemnsAddress, let user = target.user {
            deadAddress = Recorder.DeadAddress(
                user: user, channel: delivery.id.channel, address: target.address, state: .hardBounced,
                reason: failure.reason.rawValue)
        }
        settle(
            delivery.id, resolution(of: outcome, for: delivery, hasOtherProvider: hasOther),
            attempt: outcome.attempt(by: provider, from: startedAt, to: now), deadAddress: deadAddress, of: work)
    }

    private func resolution(
        of outcome: Outcome, for delivery: DeliveryWork, hasOtherProvider: Bool
    ) -> DeliveryResult.Resolution {
        Aftermath(
            policy: .standard(for: delivery.id.channel), now: environment.now(),
            randomness: environment.randomness()
        ).resolution(
            of: outcome, attempts: Int(delivery.attempts) + 1, expiresAt: delivery.expiresAt,
            hasOtherProvider: hasOtherProvider)
    }

    // MARK: Words

    /// Gives the word on a delivery, and its place to another.
    private func settle(
        _ id: DeliveryID, _ resolution: DeliveryResult.Resolution, attempt: NewAttempt? = nil,
        deadAddress: Recorder.DeadAddress? = nil, of work: TenantWork
    ) {
        settle(DeliveryResult(id, resolution, attempt: attempt), deadAddress: deadAddress, of: work)
    }

    private func settle(
        _ result: DeliveryResult, deadAddress: Recorder.DeadAddress? = nil, of work: TenantWork
    ) {
        work.recorder.record(Recorder.Entry(result: result, deadAddress: deadAddress))
        placesTaken -= 1
        arrange()
    }

    private func drop(_ id: DeliveryID, of work: TenantWork) {
        placesTaken -= 1
        settled(id, of: work)
    }
}
