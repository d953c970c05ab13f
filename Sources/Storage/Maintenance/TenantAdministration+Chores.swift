package import Domain
internal import Postgres

/// Work that one process of all does at a time.
package enum Chore: String, Sendable {
    /// Months, retention, erasure, counting.
    case maintenance
}

extension TenantAdministration {
    /// Takes a chore, or keeps it; to be called again within the time to live for as long as the work goes on.
    ///
    /// Every step of a chore is harmless when two processes do it at once: the lease spares work, correctness does not rest
    /// on it.
    ///
    /// - Parameters:
    ///   - chore: which.
    ///   - holder: an id of this process.
    ///   - timeToLive: how long it is had without another call, by the database's clock.
    ///   - interval: how long it is not due after any process has done it, by the same clock: many processes do one round then, and
    ///     not a round each. Whoever has it keeps it all the same. Zero for what has to be done now.
    /// - Returns: whether it is had; another process has it else, or it is not due.
    package func take(
        _ chore: Chore, holder: UUIDv7, timeToLive: Duration, dueAfter interval: Duration = .zero
    ) async throws(StorageError) -> Bool {
        let name = Parameter.text(chore.rawValue)
        let life = timeToLive.components.seconds * 1_000_000
        let pause = interval.components.seconds * 1_000_000
        return try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(ChoreStatements.addChore, [name]), Query(ChoreStatements.freeChore, [name]),
                Query(ChoreStatements.takeChore, [name, .uuid(holder), .int8(life), .int8(pause)]),
            ])
            return results[2].affectedRows == 1
        }
    }

    /// Gives a chore back.
    ///
    /// - Parameters:
    ///   - chore: which.
    ///   - holder: an id of this process; nothing happens when another one has the chore.
    ///   - isComplete: whether everything was gone through. If not, the chore is due as it was before.
    package func end(_ chore: Chore, holder: UUIDv7, isComplete: Bool) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            _ = try await run([
                Query(ChoreStatements.endChore, [.text(chore.rawValue), .uuid(holder), .bool(isComplete)])
            ])
        }
    }
}
