internal import CarillonNet
internal import Domain
internal import Rendering
internal import Storage
internal import Telemetry

// From what digests have gathered to messages: decide again on each delivery, show the most important ones, count all.

extension DeliveryWorker {
    /// How many deliveries are read with one statement, without what their events say.
    private static let outlineSlice = 250
    /// How many accounts' facts are held at once: a supplier's own people hear of thousands.
    private static let accountSlice = 16

    /// Sends what was gathered. Returns when the sends have begun.
    func send(_ gatherings: [Gathering], of work: TenantWork) async {
        var judged = gatherings.map { JudgedGathering($0) }
        do throws(StorageError) {
            guard let means = try await means(of: work) else {
                let later = environment.now().advanced(by: configuration.lease.renewal)
                return putOff(gatherings, until: later, of: work)
            }
            let (look, gone) = try await judge(&judged, means, of: work)
            // Counted before the last read, so that what is decided meanwhile knows of them.
            for digest in judged.flatMap(\.digests.values) {
                count(digest.parcel(means, digest.counted(self, look)), of: work)
            }
            let entries = try await entries(of: &judged, look, means, of: work)
            work.rest = nil
            for one in judged { begin(one, entries, look, means, of: work) }
            // What is not in the queue any more was finished by somebody else.
            for id in gone { drop(id, of: work) }
        } catch {
            for digest in judged.flatMap(\.digests.values) { work.underWay.fail(digest.items[0].id) }
            rest(work, after: error)
            let until = loop.now.duration(to: work.rest?.until ?? loop.now)
            putOff(gatherings, until: environment.now().advanced(by: until), of: work)
        }
    }

    private func putOff(_ gatherings: [Gathering], until later: Instant, of work: TenantWork) {
        for gathering in gatherings {
            for id in gathering.deliveries.reversed() { settle(id, .retry(at: later), of: work) }
        }
    }

    // MARK: Deciding

    /// Decides on everything that was gathered, on facts as they are now. Nothing is settled here, since what is read next may fail.
    ///
    /// - Returns: the last look, and what is not in the queue any more.
    private func judge(
        _ judged: inout [JudgedGathering], _ means: SendingMeans, of work: TenantWork
    ) async throws(StorageError) -> (look: SecondLook, gone: Set<DeliveryID>) {
        var places: [DeliveryID: Int] = [:]
        for (place, one) in judged.enumerated() {
            for id in one.gathering.deliveries { places[id] = place }
        }
        let all = judged.flatMap(\.gathering.deliveries)
        var gone = Set(all)
        var last: SecondLook?
        for start in stride(from: 0, to: all.count, by: Self.outlineSlice) {
            let slice = Array(all[start..<min(start + Self.outlineSlice, all.count)])
            let rows = try await rows(of: slice) { ids throws(StorageError) in try await work.store.outlines(ids) }
            gone.subtract(rows.ids)
            for (id, error) in rows.unreadable {
                environment.onEvent(.readFailed(work.tenant, error))
                if let place = places[id] { judged[place].settle(id, .failed("unreadable")) }
            }
            let accounts = Dictionary(grouping: rows.readable, by: \.event.account)
            let names = Array(accounts.keys)
            var answers: [(delivery: DeliveryWork, answer: SecondLook.Answer)] = []
            for first in stride(from: 0, to: max(names.count, 1), by: Self.accountSlice) {
                let some = names[first..<min(first + Self.accountSlice, names.count)]
                let look = try await look(at: Array(some), means, of: work)
                last = look
                for delivery in some.flatMap({ accounts[$0] ?? [] }) {
                    let answer =
                        delivery.claims > Self.claimsUntilPoison
                        ? .settle(.failed("workers_lost")) : look.look(at: delivery, besides: work.underWay)
                    answers.append((delivery, answer))
                }
            }
            answers.sort { $0.delivery.id.notification < $1.delivery.id.notification }
            for (delivery, answer) in answers {
                guard let place = places[delivery.id] else { continue }
                judged[place].take(answer, on: delivery, of: configuration.catalog[delivery.event.type])
            }
        }
        guard let last else { throw StorageError(.unavailable, "nothing was gathered") }
        return (last, gone)
    }

    private func look(
        at accounts: [AccountID?], _ means: SendingMeans, of work: TenantWork
    ) async throws(StorageError) -> SecondLook {
        work.underWay.readBegins(at: loop.now)
        let facts = try await work.store.facts(
            of: Array(Set(accounts + [nil])), Clocks(zone: means.tenant.timeZone, now: environment.now()))
        return SecondLook(
            catalog: configuration.catalog, tenant: means.tenant, facts: facts, now: environment.now(),
            onDecision: decisions.count)
    }

    // MARK: Showing

    /// What a message shows of a delivery, and the delivery as a message of its own needs it.
    private struct Shown {
        let delivery: DeliveryWork
        let entry: DigestEntry
    }

    /// Reads what messages show and puts it into words. What cannot be read, or put into words, ends, and the next takes its place.
    private func entries(
        of judged: inout [JudgedGathering], _ look: SecondLook, _ means: SendingMeans, of work: TenantWork
    ) async throws(StorageError) -> [DeliveryID: Shown] {
        var known: [DeliveryID: Shown] = [:]
        while true {
            var missing: [DeliveryID: (place: Int, target: SecondLook.Target)] = [:]
            for (place, one) in judged.enumerated() {
                for digest in one.digests.values {
                    for id in digest.shown where known[id] == nil { missing[id] = (place, digest.target) }
                }
            }
            guard !missing.isEmpty else { return known }
            let rows = try await rows(of: Array(missing.keys)) { ids throws(StorageError) in
                try await work.store.work(ids)
            }
            for (id, error) in rows.unreadable {
                environment.onEvent(.readFailed(work.tenant, error))
                if let (place, _) = missing.removeValue(forKey: id) { judged[place].settle(id, .failed("unreadable")) }
            }
            for delivery in rows.readable {
                guard let (place, target) = missing.removeValue(forKey: delivery.id) else { continue }
                do throws(MailComposer.Failure) {
                    let entry = try composer(look.settings(for: nil), target, means).entry(for: delivery, to: target)
                    known[delivery.id] = Shown(delivery: delivery, entry: entry)
                } catch {
                    judged[place].settle(delivery.id, .failed(error.rawValue))
                }
            }
            // What is not in the queue any more was finished by somebody else: the word on it will be discarded.
            for (id, (place, _)) in missing { judged[place].settle(id, .released) }
        }
    }

    // MARK: Sending

    private func begin(
        _ judged: JudgedGathering, _ shown: [DeliveryID: Shown], _ look: SecondLook, _ means: SendingMeans,
        of work: TenantWork
    ) {
        let digests = judged.digests.sorted { $0.value.items[0].id.notification < $1.value.items[0].id.notification }
            .map(\.value)
        // The lease may have run out while we were reading.
        guard work.isCurrent, lease?.isHeld(at: loop.now) == true else {
            for digest in digests { work.underWay.fail(digest.items[0].id) }
            for (id, _) in judged.words.reversed() { settle(id, .released, of: work) }
            for id in judged.open.reversed() { settle(id, .released, of: work) }
            return
        }
        give(places: digests.map { $0.items[0].id }, of: judged.gathering, work)
        for (id, resolution) in judged.words { settle(id, resolution, of: work) }
        for digest in digests {
            let lead = digest.items[0]
            if lead.claims > 1 { environment.onEvent(.repeated(work.tenant, lead.id, claims: lead.claims)) }
            let parcel = digest.parcel(means, digest.counted(self, look))
            let composer = composer(look.settings(for: nil), digest.target, means)
            if digest.items.count == 1, let alone = shown[lead.id]?.delivery {
                // One thing alone is told as it is: it says more, and can be stopped with one click.
                send(parcel, means, of: work) { provider throws(MailComposer.Failure) in
                    try composer.mail(for: alone, to: digest.target, by: provider)
                }
            } else {
                let entries = digest.shown.compactMap { shown[$0]?.entry }
                send(parcel, means, of: work) { provider throws(MailComposer.Failure) in
                    try composer.digest(digest, entries, messageID: parcel.digest, by: provider)
                }
            }
        }
    }
}

extension Digest {
    /// How caps count it: as one message, of its first delivery's type.
    fileprivate func counted(_ worker: DeliveryWorker, _ look: SecondLook) -> Parcel.Counted? {
        leadType.flatMap { worker.counted($0, to: target, look) }
    }

    /// It as one message.
    fileprivate func parcel(_ means: SendingMeans, _ counted: Parcel.Counted?) -> Parcel {
        let identity =
            messageID
            ?? MessageIdentity.of(
                items[0].id.notification, on: items[0].id.channel, tenant: means.tenant.id,
                portalURL: means.tenant.portalURL)
        return Parcel(
            items: items.map(\.sent), digest: items.count > 1 ? identity : nil, target: target, counted: counted)
    }
}
