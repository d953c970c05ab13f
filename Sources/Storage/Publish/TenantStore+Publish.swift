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
        var batch = PublishBatch(now: now)
        for item in items { batch.append(item) }
        let (queries, parts) = batch.queries(publishing, fence: fence)
        let results = try await run(queries)
        var result = PublishResult(outcomes: [], leased: [], arrivals: [], counters: [:])
        for (part, rows) in zip(parts, results) {
            switch part {
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
            case .outcomes: result.outcomes = try rows.read(PublishOutcome.init(row:))
            }
        }
        // RETURNING promises no order.
        result.arrivals.sort { ($0.user, $0.sequence) < ($1.user, $1.sequence) }
        return result
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
    /// Reads a row of ``PublishStatements/outcomes``.
    fileprivate init(row: Row) throws(PostgresError) {
        guard let isOurs = try row.optionalBool(1) else {
            self = .staleFacts
            return
        }
        let hasSameBody = try row.bool(2)
        if !hasSameBody {
            self = .conflict(event: EventID(try row.uuidv7(0)))
        } else if isOurs {
            self = .stored
        } else {
            self = .replay(event: EventID(try row.uuidv7(0)), response: try row.bytes(3))
        }
    }
}
