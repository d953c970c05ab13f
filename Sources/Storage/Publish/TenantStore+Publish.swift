package import Domain
internal import Postgres

extension TenantStore {
    /// Stores events with their notifications, deliveries, work and inbox items, in one transaction.
    ///
    /// Each item has an outcome of its own: repeats, conflicts and stale decisions do not hold the others up, and if
    /// the database refuses a value, the batch is halved until the one item with that value stands alone.
    ///
    /// - Parameters:
    ///   - items: at least one; their order does not matter.
    ///   - fence: the number under which the caller works this tenant's queue; what is due is then born with the
    ///     caller's lease, as far as nobody else has taken the queue over. Nil leaves all work to whoever claims it.
    ///   - now: the time of storing.
    /// - Throws: what befell the batch as a whole. After ``StorageError/isCommitUnknown`` publishing again with the
    ///   same keys and fresh ids is safe; ``StorageError/Code/monthMissing`` asks for the month's partitions.
    package func publish(
        _ items: [PublishItem], fence: Int64? = nil, now: Instant
    ) async throws(StorageError) -> PublishResult {
        do throws(PostgresError) {
            return try await publishTogether(items[...], fence: fence, now: now)
        } catch {
            guard error.refusesValues else { throw StorageError(error) }
            guard items.count > 1 else {
                return PublishResult(
                    outcomes: [.rejected(StorageError(error))], leased: [], arrivals: [], counters: [:])
            }
        }
        let middle = items.count / 2
        let first = try await publish(Array(items[..<middle]), fence: fence, now: now)
        let second = try await publish(Array(items[middle...]), fence: fence, now: now)
        return PublishResult(
            outcomes: first.outcomes + second.outcomes, leased: first.leased + second.leased,
            arrivals: first.arrivals + second.arrivals, counters: first.counters.merging(second.counters) { $1 })
    }

    private func publishTogether(
        _ items: ArraySlice<PublishItem>, fence: Int64?, now: Instant
    ) async throws(PostgresError) -> PublishResult {
        let (queries, parts) = queries(items, fence: fence, now: now)
        let results = try await run(queries, plansOnce: true)
        var result = PublishResult(outcomes: [], leased: [], arrivals: [], counters: [:])
        var taken: Set<EventID> = []
        for (part, rows) in zip(parts, results) {
            switch part {
            case .taken:
                for row in rows { taken.insert(EventID(try row.uuidv7(0))) }
            case .silent: break
            case .work:
                for row in rows where try row.int8(2) != 0 {
                    result.leased.append(
                        DeliveryID(notification: NotificationID(try row.uuidv7(0)), channel: try row.value(1)))
                }
            case .counters:
                for row in rows { result.counters[try row.identifier(0)] = try InboxCounters(row: row, from: 1) }
            case .arrivals:
                for row in rows {
                    result.arrivals.append(
                        InboxArrival(
                            user: try row.identifier(0), sequence: try row.int8(1),
                            notification: NotificationID(try row.uuidv7(2))))
                }
            }
        }
        let others = items.filter { !taken.contains($0.event.id) }
        var left = (await outcomes(ofNotTaken: others, now: now))[...]
        result.outcomes = items.map { taken.contains($0.event.id) ? .stored : left.removeFirst() }
        // RETURNING promises no order.
        result.arrivals.sort { ($0.user, $0.sequence) < ($1.user, $1.sequence) }
        return result
    }

    private func queries(
        _ items: ArraySlice<PublishItem>, fence: Int64?, now: Instant
    ) -> ([Query], [PublishBatch.Part]) {
        if items.count == 1, let single = items.first.flatMap({ SinglePublish($0, now: now) }) {
            return single.queries(publishingOne, fence: fence)
        }
        var batch = PublishBatch(now: now)
        for item in items { batch.append(item) }
        return batch.queries(publishing, fence: fence)
    }

    /// Why items were not stored. It is asked behind the commit, and only if there are any: most batches have none.
    private func outcomes(ofNotTaken items: [PublishItem], now: Instant) async -> [PublishOutcome] {
        guard !items.isEmpty else { return [] }
        do throws(PostgresError) {
            let query = Query(
                publishing.holders,
                [.textArray(items.map(\.idempotencyKey)), .bytesArray(items.map(\.bodyHash)), .timestamp(now)])
            return try await run([query])[0].read(PublishOutcome.init(notTaken:))
        } catch {
            // The others are on disk, whatever this one's lot: their caller has to hear of it.
            return items.map { _ in .rejected(StorageError(error)) }
        }
    }

    /// Forgets keys that have expired, a limited number at a time.
    ///
    /// - Returns: how many were forgotten; fewer than `limit` when none are left.
    package func forgetExpiredKeys(now: Instant, limit: Int = 1_000) async throws(StorageError) -> Int {
        try await storing { () async throws(PostgresError) in
            let query = Query(publishing.forgetKeys, [.timestamp(now), .int8(Int64(limit))])
            return try await run([query])[0].affectedRows
        }
    }
}

extension PostgresError {
    /// Whether the server refused a value of some item, so that the others may pass without it. A missing month is not
    /// one: it concerns all.
    fileprivate var refusesValues: Bool {
        switch code {
        case .invalidValue, .notNull, .uniqueViolation: true
        case .checkViolation: constraint != nil
        default: false
        }
    }
}

extension PublishOutcome {
    /// Reads a row of ``PublishStatements/holders``. If nobody holds the key, it was not taken because of a pin.
    fileprivate init(notTaken row: Row) throws(PostgresError) {
        guard let hasSameBody = try row.optionalBool(1) else {
            self = .staleFacts
            return
        }
        let event = EventID(try row.uuidv7(0))
        self = hasSameBody ? .replay(event: event, response: try row.bytes(2)) : .conflict(event: event)
    }
}
