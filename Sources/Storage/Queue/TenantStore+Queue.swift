package import Domain
internal import Postgres

extension TenantStore {
    /// Begins to work this tenant's queue under a fence that the registry has handed out; see
    /// ``RegistryStore/tick(worker:timeToLive:acquiring:)``.
    ///
    /// From then on no smaller fence can claim, or bear leased work.
    ///
    /// - Returns: whether the fence is the queue's now. False means that a greater one has been here already.
    package func takeOverQueue(fence: Int64) async throws(StorageError) -> Bool {
        try await storing { () async throws(PostgresError) in
            let results = try await run(
                [Query(queue.takeOver, [.int8(fence)]), Query(queue.owner)], affinity: Self.idleAffinity)
            return try Self.isOwner(results[1], fence)
        }
    }

    /// Looks whether there is something to claim, at a fraction of what ``claim(fence:now:dueFrom:limit:)`` costs.
    ///
    /// - Parameter fence: under which the caller took the queue over.
    /// - Returns: what a claim would say if nothing was due.
    package func look(fence: Int64) async throws(StorageError) -> Claim {
        try await storing { () async throws(PostgresError) in
            let results = try await run(
                [Query(queue.owner), Query(queue.nextDue, [.int8(fence)])], affinity: Self.idleAffinity)
            return Claim(
                isOwner: try Self.isOwner(results[0], fence), deliveries: [], digests: [:],
                nextDue: try Self.nextDue(results[1]))
        }
    }

    private static func isOwner(_ rows: ResultSet, _ fence: Int64) throws(PostgresError) -> Bool {
        try rows.readFirst { row throws(PostgresError) in try row.int8(0) } == fence
    }

    static func nextDue(_ rows: ResultSet) throws(PostgresError) -> Instant? {
        try rows.readFirst { row throws(PostgresError) in try row.instant(0) }
    }

    /// Claims work that is due, the longest due first: what nobody holds, and what holders of smaller fences left.
    ///
    /// - Parameters:
    ///   - fence: under which the caller took the queue over.
    ///   - now: the time; work is due up to it.
    ///   - dueFrom: the low-water cursor: work due earlier is not looked for. A caller that knows there is none spares
    ///     the search what vacuum has not cleared away; nil looks for all.
    ///   - limit: the most that is claimed.
    package func claim(
        fence: Int64, now: Instant, dueFrom: Instant? = nil, limit: Int
    ) async throws(StorageError) -> Claim {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(
                    queue.claim,
                    [
                        .int8(fence), .timestamp(now), .int8(Int64(limit)),
                        .timestamp(dueFrom ?? Instant(microseconds: 0)),
                    ]),
                Query(queue.owner),
                Query(queue.nextDue, [.int8(fence)]),
            ])
            var claimed: [(id: DeliveryID, dueAt: Instant)] = []
            var digests: [DeliveryID: DigestPlace] = [:]
            for row in results[0] {
                let id = DeliveryID(notification: NotificationID(try row.uuidv7(0)), channel: try row.value(1))
                claimed.append((id, try row.instant(2)))
                digests[id] = try DigestPlace(claimed: row)
            }
            // RETURNING promises no order.
            return Claim(
                isOwner: try Self.isOwner(results[1], fence),
                deliveries: claimed.sorted { $0.dueAt < $1.dueAt }.map(\.id), digests: digests,
                nextDue: try Self.nextDue(results[2]))
        }
    }

    /// All that is needed to send these deliveries, in their order; those that are not in the queue are left out.
    package func work(_ ids: [DeliveryID]) async throws(StorageError) -> [DeliveryWork] {
        try await storing { () async throws(PostgresError) in
            try Self.work(try await run([Query(queue.work, Self.columns(ids))])[0])
        }
    }

    static func work(_ rows: ResultSet) throws(PostgresError) -> [DeliveryWork] {
        var events: [EventID: EventRecord] = [:]
        return try rows.read { row throws(PostgresError) in try DeliveryWork(row: row, events: &events) }
    }

    /// Records what became of claimed deliveries, each at most once in the list.
    ///
    /// - Parameters:
    ///   - results: the caller's words. What arrives in inboxes with them is stored as far as the words are.
    ///   - fence: under which they were claimed.
    ///   - now: the time of recording.
    /// - Returns: one outcome for each, in order.
    package func finish(
        _ results: [DeliveryResult], fence: Int64, now: Instant
    ) async throws(StorageError) -> [FinishOutcome] {
        guard !results.isEmpty else { return [] }
        let queries = FinishBatch(results, fence: fence, now: now).queries(queue, arrivals)
        return try await storing { () async throws(PostgresError) in
            let answers = try await run(queries)
            var outcomes = [FinishOutcome](repeating: .stale, count: results.count)
            for row in answers[0] { outcomes[Int(try row.int8(0)) - 1] = .recorded }
            return outcomes
        }
    }

    static func columns(_ ids: [DeliveryID]) -> [Parameter] {
        [.uuidArray(ids.map { UUIDBytes($0.notification) }), .textArray(ids.map(\.channel.rawValue))]
    }
}

extension DeliveryWork {
    /// Reads a row of ``QueueStatements/work``; several deliveries of one event share what was decoded of it.
    fileprivate init(row: Row, events: inout [EventID: EventRecord]) throws(PostgresError) {
        id = DeliveryID(notification: NotificationID(try row.uuidv7(0)), channel: try row.value(1))
        attempts = try row.int4(2)
        claims = try row.int4(3)
        expiresAt = try row.optionalInstant(4)
        dueAt = try row.instant(5)
        audience = try row.value(8)
        reason = try row.value(9)
        verdict = try row.value(10)
        channelReason = try row.value(11)
        messageID = try row.optionalText(12)
        let eventID = EventID(try row.uuidv7(13))
        let known = events[eventID]
        event = if let known { known } else { try EventRecord(row: row, from: 13) }
        events[eventID] = event
        guard
            let recipient = Recipient(
                recipient: try row.text(6), user: try row.optionalIdentifier(7), account: event.account,
                audience: audience)
        else { throw .corrupt(6) }
        self.recipient = recipient
        let last = 13 + EventRecord.columnCount
        calledOff = try row.isNull(last) ? nil : try row.value(last)
    }
}

extension EventRecord {
    /// How many columns ``init(row:from:)`` reads.
    static let columnCount = 13

    /// Reads ``QueueStatements/eventColumns``.
    init(row: Row, from column: Int) throws(PostgresError) {
        id = EventID(try row.uuidv7(column))
        type = try row.identifier(column + 1)
        account = try row.account(column + 2)
        actor = try row.optionalIdentifier(column + 3)
        addressedUsers = try row.identifiers(column + 4)
        object = try row.optionalText(column + 5)
        isObjectSuppressed = try row.bool(column + 6)
        sourceEvent = try row.optionalText(column + 7)
        guard let context = [ContextEntry](json: try row.text(column + 8)) else { throw .corrupt(column + 8) }
        self.context = context
        sealedContext = try row.optionalBytes(column + 9)
        publishedBy = try row.text(column + 10)
        occurredAt = try row.instant(column + 11)
        notBefore = try row.optionalInstant(column + 12)
    }
}
