internal import CarillonNet
package import Domain
internal import Postgres

/// What became of the months that processes without the owner's login miss.
package struct WantedMonths: Sendable {
    /// The tenants that have their months.
    package var made: [TenantID] = []
    /// The tenants whose months could not be made, or were not tried again yet: they come last at the next call.
    package var waiting: Set<TenantID> = []
}

extension TenantAdministration {
    /// How long is tried to make the months of one tenant: the next one waits as long.
    static let wantedMonthsPatience = Duration.seconds(2)
    /// How many tenants of one database may fail in one call before its others are left to the next call.
    static let wantedMonthsFailures = 20
    /// How many of those that have failed before are tried in one call.
    static let wantedMonthsRetries = 10

    /// Makes the partitions that processes without the owner's login have missed (``RegistryStore/wantMonths(of:now:)``).
    ///
    /// Harmless when several processes do it at once. What fails is wanted still, and tried again at a later call, behind those
    /// that have not failed: tenants that cannot be helped are in nobody's way.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - waiting: what the last call left waiting.
    ///   - failed: told of each tenant whose months could not be made. Of a database that is away, the first one is told of.
    package func makeWantedMonths(
        now: Instant, waiting: Set<TenantID> = [], failed: (TenantID, StorageError) -> Void = { _, _ in }
    ) async throws(StorageError) -> WantedMonths {
        let wanted = try await wantedMonths()
        let again = wanted.filter { waiting.contains($0.tenant) }.shuffled()
        var outcome = WantedMonths()
        outcome.waiting = Set(again.dropFirst(Self.wantedMonthsRetries).map(\.tenant))
        var failures: [TenantPlace: Int] = [:]
        for one in wanted.filter({ !waiting.contains($0.tenant) }) + again.prefix(Self.wantedMonthsRetries) {
            guard failures[one.place, default: 0] < Self.wantedMonthsFailures else {
                // Those that were not tried keep their turn.
                if waiting.contains(one.tenant) { outcome.waiting.insert(one.tenant) }
                continue
            }
            do throws(StorageError) {
                try await CallDeadline.within(MonotonicTime.current.advanced(by: Self.wantedMonthsPatience)) {
                    () async throws(StorageError) in
                    try await ensureMonths(tenant: one.tenant, now: now)
                    try await storing { () async throws(PostgresError) in
                        _ = try await run([
                            Query(MaintenanceStatements.monthsMade, [.text(one.tenant), .timestamp(now)])
                        ])
                    }
                }
                outcome.made.append(one.tenant)
            } catch {
                failed(one.tenant, error)
                outcome.waiting.insert(one.tenant)
                // Each further tenant of a database that is away would wait as long.
                failures[one.place, default: 0] += error.code == .unavailable ? Self.wantedMonthsFailures : 1
            }
        }
        return outcome
    }

    /// Who misses months, those that have waited longest first.
    private func wantedMonths() async throws(StorageError) -> [(tenant: TenantID, place: TenantPlace)] {
        var wanted: [(tenant: TenantID, place: TenantPlace)] = []
        var after = (time: Instant(microseconds: 0), tenant: "")
        let size = 1_000
        while true {
            let page = try await storing { [after] () async throws(PostgresError) in
                let query = Query(
                    MaintenanceStatements.wantedMonths,
                    [.timestamp(after.time), .text(after.tenant), .int8(Int64(size))])
                return try (try await run([query]))[0].read { row throws(PostgresError) in
                    (
                        tenant: try row.identifier(0, as: TenantID.self), place: try TenantPlace(row: row, from: 1),
                        time: try row.instant(3)
                    )
                }
            }
            wanted += page.map { ($0.tenant, $0.place) }
            guard page.count == size, let last = page.last else { return wanted }
            after = (last.time, last.tenant.rawValue)
        }
    }
}
