internal import CarillonNet
internal import Channels
internal import Domain
internal import Storage
internal import Telemetry

// From a claim to a word: read what is needed, decide again, render, send, judge.

extension DeliveryWorker {
    /// How often a delivery is claimed without a word before it is taken for what kills its workers.
    static let claimsUntilPoison: Int32 = 10

    /// Sends claimed deliveries of one tenant. Returns when the sends have begun.
    func send(_ ids: [DeliveryID], of work: TenantWork) async {
        do throws(StorageError) {
            guard let means = try await means(of: work) else {
                // Suspended since the last renewal; the next one takes the tenant from us.
                let later = environment.now().advanced(by: configuration.lease.renewal)
                for id in ids { settle(id, .retry(at: later), of: work) }
                return
            }
            let rows = try await rows(of: ids) { ids throws(StorageError) in try await work.store.work(ids) }
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
    struct Rows {
        var readable: [DeliveryWork] = []
        var unreadable: [(id: DeliveryID, error: StorageError)] = []

        var ids: [DeliveryID] { readable.map(\.id) + unreadable.map(\.id) }
    }

    /// Reads claimed deliveries. Nothing is settled here, since what is read next may fail.
    ///
    /// - Parameter read: how they are read.
    func rows(
        of ids: [DeliveryID],
        _ read: ([DeliveryID]) async throws(StorageError) -> [DeliveryWork]
    ) async throws(StorageError) -> Rows {
        guard !ids.isEmpty else { return Rows() }
        do throws(StorageError) {
            return Rows(readable: try await read(ids))
        } catch {
            guard error.code == .corrupt else { throw error }
            // Read alone, a row that this version cannot read is known for the one.
            if ids.count == 1 { return Rows(unreadable: [(ids[0], error)]) }
        }
        // It must not hold up the others.
        let middle = ids.count / 2
        let first = try await rows(of: Array(ids[..<middle]), read)
        let second = try await rows(of: Array(ids[middle...]), read)
        return Rows(readable: first.readable + second.readable, unreadable: first.unreadable + second.unreadable)
    }

    /// The tenant's key, providers or facts could not be read, or the database could not be asked. That says nothing of the
    /// deliveries, so they wait, whatever the error is; and so does the queue, or all of it would be claimed in vain.
    func putOff(_ ids: [DeliveryID], _ error: StorageError, of work: TenantWork) {
        rest(work, after: error)
        let until = work.rest?.until ?? loop.now
        let later = environment.now().advanced(by: loop.now.duration(to: until))
        for id in ids { settle(id, .retry(at: later), of: work) }
    }

    /// Lets a tenant's queue rest, longer each time.
    func rest(_ work: TenantWork, after error: StorageError) {
        environment.onEvent(.readFailed(work.tenant, error))
        // Batches that were under way together fail together; that counts once.
        var rest = work.rest ?? TenantWork.Rest(until: loop.now)
        if rest.until <= loop.now {
            rest.failures += 1
            rest.until = loop.now.advanced(by: Self.pause(afterFailures: rest.failures))
            work.rest = rest
        }
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
        switch look.look(at: delivery, to: delivery.event.destination(means.key), besides: work.underWay) {
        case .settle(let resolution):
            settle(delivery.id, resolution, of: work)
        case .place(let reader):
            settle(place(delivery, for: reader, look, means), of: work)
        case .send(let target):
            // The lease may have run out while we were reading.
            guard work.isCurrent, lease?.isHeld(at: loop.now) == true else {
                return settle(delivery.id, .released, of: work)
            }
            let parcel = Parcel(
                items: [Parcel.Item(delivery)], digest: nil, target: target,
                counted: counted(delivery.event.type, to: target, look))
            let composer = composer(look.settings(for: delivery.event.account), target, means)
            send(parcel, means, of: work) { provider throws(MailComposer.Failure) in
                try composer.mail(for: delivery, to: target, by: provider)
            }
        }
    }

    /// What makes the mails to a recipient.
    func composer(_ settings: TenantSettings, _ target: SecondLook.Target, _ means: SendingMeans) -> MailComposer {
        MailComposer(
            renderer: renderer, catalog: configuration.catalog, tenant: means.tenant, key: means.key,
            settings: settings,
            zone: ZoneBook.shared.rules(target.zone, means.tenant.timeZone, now: environment.now()),
            publicURL: configuration.publicURL)
    }

    /// How caps count a message of a type; nil where there are none.
    func counted(_ type: TypeKey, to target: SecondLook.Target, _ look: SecondLook) -> Parcel.Counted? {
        guard look.hasCaps, let user = target.user, let type = configuration.catalog[type] else { return nil }
        return Parcel.Counted(user: user, type: type.key, category: type.category)
    }

    /// Counts a message as sent, before it is.
    func count(_ parcel: Parcel, of work: TenantWork) {
        guard let counted = parcel.counted else { return }
        work.underWay.begin(
            parcel.lead, to: counted.user,
            RecentSend(
                at: environment.now(), type: counted.type, category: counted.category, channel: parcel.lead.channel))
    }

    // MARK: One message

    /// Hands a message to the first provider that does not rest.
    ///
    /// - Parameter compose: makes the message.
    func send(
        _ parcel: Parcel, _ means: SendingMeans, of work: TenantWork,
        by compose: (ReadyProvider) throws(MailComposer.Failure) -> EmailMessage
    ) {
        guard let provider = means.providers.first(where: { work.rests.take($0.id, at: loop.now) }) else {
            return withoutProvider(parcel, means, of: work)
        }
        let message: EmailMessage
        do throws(MailComposer.Failure) {
            message = try compose(provider)
        } catch {
            work.rests.gaveUp(provider.id)
            work.underWay.fail(parcel.lead)
            return settle(parcel, .failed(error.rawValue), of: work)
        }
        let startedAt = environment.now()
        count(parcel, of: work)
        work.sends[parcel.lead] = loop.spawn {
            let outcome = await provider.sender.send(message)
            self.ended(parcel, provider.id, outcome, startedAt: startedAt, means, of: work)
        }
    }

    private func withoutProvider(_ parcel: Parcel, _ means: SendingMeans, of work: TenantWork) {
        let now = environment.now()
        work.underWay.fail(parcel.lead)
        guard means.providers.isEmpty else {
            let wait = work.rests.wait(for: means.providers.map(\.id), at: loop.now)
            return settle(parcel, .retry(at: now.advanced(by: wait)), of: work)
        }
        // There are some, but none that can be used as it is stored: its owner was told, and may put it right.
        let failure = Outcome.temporary(.init(.providerMisconfigured))
        let attempt = NewAttempt(
            provider: nil, outcome: .temporaryFailure, detail: FailureReason.providerMisconfigured.rawValue,
            startedAt: now, finishedAt: now)
        settle(
            parcel, aftermath(of: parcel).resolutions(of: failure, for: parcel.items, hasOtherProvider: false),
            attempt: attempt, of: work)
    }

    private func ended(
        _ parcel: Parcel, _ provider: ProviderID, _ outcome: Outcome, startedAt: Instant, _ means: SendingMeans,
        of work: TenantWork
    ) {
        loop.assertOnLoop()
        work.sends[parcel.lead] = nil
        if outcome.hasFailed { work.underWay.fail(parcel.lead) }
        let now = environment.now()
        if outcome.isOurOwnDoing {
            work.rests.gaveUp(provider)
            let isCutOff = outcome.failure?.reason == .cancelled
            return settle(
                parcel, isCutOff ? .released : .retry(at: now.advanced(by: ProviderRests.firstRest)), of: work)
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
        if case .permanent(let failure) = outcome, failure.reason.condemnsAddress {
            deadAddress = Recorder.DeadAddress(
                address: Address(parcel.lead.channel, parcel.target.address), state: .hardBounced,
                reason: failure.reason.rawValue)
        }
        settle(
            parcel, aftermath(of: parcel).resolutions(of: outcome, for: parcel.items, hasOtherProvider: hasOther),
            attempt: outcome.attempt(by: provider, from: startedAt, to: now), deadAddress: deadAddress, of: work)
    }

    private func aftermath(of parcel: Parcel) -> Aftermath {
        Aftermath(
            policy: .standard(for: parcel.lead.channel), now: environment.now(), randomness: environment.randomness())
    }

    // MARK: Words

    /// Gives the word on a message that was not tried.
    private func settle(_ parcel: Parcel, _ resolution: DeliveryResult.Resolution, of work: TenantWork) {
        let message = parcel.comesBack(with: [resolution]) ? parcel.lead : nil
        for item in parcel.items.reversed() {
            record(Recorder.Entry(result: DeliveryResult(item.id, resolution), message: message), work)
        }
        arrange()
    }

    /// Gives the word on each delivery in a message that was tried, on the first one last.
    private func settle(
        _ parcel: Parcel, _ resolutions: [DeliveryResult.Resolution], attempt: NewAttempt,
        deadAddress: Recorder.DeadAddress? = nil, of work: TenantWork
    ) {
        var deadAddress = deadAddress
        let message = parcel.comesBack(with: resolutions) ? parcel.lead : nil
        for (item, resolution) in zip(parcel.items, resolutions).reversed() {
            let result = DeliveryResult(item.id, resolution, attempt: attempt, digest: parcel.digest)
            record(Recorder.Entry(result: result, deadAddress: deadAddress, message: message), work)
            // Once is enough, and before any word that tells of it.
            deadAddress = nil
        }
        arrange()
    }

    /// Gives the word on a delivery, and its place to another.
    func settle(_ id: DeliveryID, _ resolution: DeliveryResult.Resolution, of work: TenantWork) {
        settle(DeliveryResult(id, resolution), of: work)
    }

    private func settle(_ result: DeliveryResult, of work: TenantWork) {
        record(Recorder.Entry(result: result), work)
        arrange()
    }

    private func record(_ entry: Recorder.Entry, _ work: TenantWork) {
        work.recorder.record(entry)
        if !work.companions.contains(entry.result.id) { placesTaken -= 1 }
    }

    func drop(_ id: DeliveryID, of work: TenantWork) {
        if !work.companions.contains(id) { placesTaken -= 1 }
        settled(id, of: work)
    }
}
