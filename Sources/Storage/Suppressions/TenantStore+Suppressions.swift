package import Domain
internal import Postgres

extension TenantStore {
    /// The most accounts that are named in one answer (``AddressChange/concerned``).
    private static let mostConcerned: Int64 = 1_000

    /// What was found out of some addresses: nobody writes to them any more, whoever has them.
    ///
    /// Contact points with the addresses take the state, billing mailboxes are not written to, and the facts of all accounts concerned
    /// count up. News that are older than what lifted a suppression, or weaker than what is known, change nothing.
    ///
    /// - Parameters:
    ///   - found: each address at most once.
    ///   - source: who found it out.
    ///   - stamp: who tells of it.
    /// - Returns: of which addresses something changed, and whose they are.
    @discardableResult
    package func suppress(
        _ found: [NewSuppression], source: Suppression.Source, stamp: AuditStamp
    ) async throws(StorageError) -> AddressChange {
        guard !found.isEmpty else { return AddressChange() }
        let addresses = Self.columns(found.map(\.address))
        let given =
            addresses + [.textArray(found.map(\.state.rawValue)), .timestampArray(found.map { Timestamp($0.at) })]
        let line = given + [.textArray(found.map(\.reason)), .text(source.rawValue)]
        let queries =
            audited(auditing.suppressions, line, stamp: stamp) + [
                Query(suppressions.touch, given), Query(suppressions.put, given + [.text(source.rawValue)]),
                Query(suppressions.project, addresses),
                Query(suppressions.concerned, addresses + [.int8(Self.mostConcerned)]),
            ]
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            var change = AddressChange()
            change.isFelt = results[results.count - 4].affectedRows > 0
            for row in results[results.count - 3] { change.changed.insert(try Address(row: row, from: 0)) }
            change.concerned = try results[results.count - 1].read { row throws(PostgresError) in
                ConcernedAccount(
                    address: try Address(row: row, from: 0), state: try row.value(2), since: try row.instant(3),
                    account: try row.identifier(4), name: try row.text(5))
            }
            .filter { change.changed.contains($0.address) }
            return change
        }
    }

    /// Owners of telephone numbers take back their STOP: nothing else is lifted. A number that a user has not confirmed is confirmed by
    /// it: its owner wants to hear from the supplier.
    ///
    /// - Parameters:
    ///   - starts: each number at most once. A STOP that came after one of them stays.
    ///   - stamp: who tells of it.
    /// - Returns: the numbers that can be written to again.
    package func start(_ starts: [OwnersStart], stamp: AuditStamp) async throws(StorageError) -> AddressChange {
        guard !starts.isEmpty else { return AddressChange() }
        let given =
            Self.columns(starts.map(\.address)) + [.timestampArray(starts.map { Timestamp($0.at) })]
        let (queries, place) = lifting(
            given, [.stopped], with: [.unverified], isForced: false, source: .provider, stamp: stamp)
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries + [Query(suppressions.remember, given)])
            var change = AddressChange()
            change.isFelt = results[place + 1].affectedRows > 0
            for row in results[place] { change.changed.insert(try Address(row: row, from: 0)) }
            return change
        }
    }

    /// Ends a suppression, as the supplier wishes; not that of an owner who said STOP.
    ///
    /// - Parameters:
    ///   - address: which address.
    ///   - stamp: who wishes it.
    ///   - now: the time of it. What happened before does not suppress the address again, however late it is told.
    package func removeSuppression(
        of address: Address, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> RemovalOutcome {
        let given = Self.columns([address]) + [.timestampArray([Timestamp(now)])]
        let (queries, place) = lifting(
            given, AddressState.byStrength.filter { $0 != .stopped }, with: [], isForced: true, source: .supplier,
            stamp: stamp)
        let state = Query(suppressions.state, [.text(address.channel.rawValue), .text(address.text)])
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries + [state])
            if !results[place].isEmpty { return .removed }
            let state = try results[queries.count].readFirst { row throws(PostgresError) in
                try row.value(0, as: AddressState.self)
            }
            return state == .stopped ? .stoppedByOwner : .notFound
        }
    }

    /// The queries that lift suppressions, and the place of the one that tells which addresses they make usable.
    private func lifting(
        _ given: [Parameter], _ states: [AddressState], with others: [AddressState], isForced: Bool,
        source: Suppression.Source, stamp: AuditStamp
    ) -> (queries: [Query], place: Int) {
        let lifted = given + [.textArray(states.map(\.rawValue)), .bool(isForced)]
        let restored = lifted + [.textArray(others.map(\.rawValue))]
        let line = audited(auditing.liftedSuppressions, restored + [.text(source.rawValue)], stamp: stamp)
        let changes = [
            Query(suppressions.liftable, restored), Query(suppressions.touchLifted, restored),
            Query(suppressions.restore, restored), Query(suppressions.lift, lifted + [.text(source.rawValue)]),
        ]
        return (line + changes, line.count)
    }

    /// Those of some addresses that a user or a mailbox has, or of which something is stored already.
    package func knownAddresses(_ addresses: Set<Address>) async throws(StorageError) -> Set<Address> {
        guard !addresses.isEmpty else { return [] }
        return try await storing { () async throws(PostgresError) in
            var known: Set<Address> = []
            for row in try await run([Query(suppressions.known, Self.columns(Array(addresses)))])[0] {
                known.insert(try Address(row: row, from: 0))
            }
            return known
        }
    }

    /// Addresses that nobody writes to, by channel and address.
    ///
    /// - Parameters:
    ///   - channels: only those on these channels.
    ///   - address: only this address; nil for all.
    ///   - after: the last one of the page before.
    ///   - size: the most that are returned.
    package func suppressions(
        on channels: [Channel], address: String? = nil, after: Address? = nil, size: Int
    ) async throws(StorageError) -> Page<Suppression, Address> {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(
                    suppressions.page,
                    [
                        .text(after?.channel.rawValue ?? ""), .text(after?.text ?? ""),
                        .textArray(channels.map(\.rawValue)), .text(address), .int8(Int64(size) + 1),
                    ])
            ])
            return Page(overread: try results[0].read(Suppression.init(row:)), size: size) { $0.address }
        }
    }

    private static func columns(_ addresses: [Address]) -> [Parameter] {
        [.textArray(addresses.map(\.channel.rawValue)), .textArray(addresses.map(\.text))]
    }
}

/// What storing news of addresses has changed.
package struct AddressChange: Sendable {
    /// The addresses of which something changed.
    package var changed: Set<Address> = []
    /// Accounts some of whose people have one of them; no more than a thousand.
    package var concerned: [ConcernedAccount] = []
    /// Whether facts of any account have changed by it.
    package var isFelt = false
}

extension Address {
    /// Reads channel and address.
    fileprivate init(row: Row, from column: Int) throws(PostgresError) {
        self.init(try row.value(column), try row.text(column + 1))
    }
}

extension Suppression {
    /// Reads a row of ``SuppressionStatements/page``.
    fileprivate init(row: Row) throws(PostgresError) {
        address = try Address(row: row, from: 0)
        state = try row.value(2)
        source = try row.value(3)
        let time = try row.instant(4)
        since = time.microseconds == 0 ? nil : time
    }
}
