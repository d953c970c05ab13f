internal import CLibPQ
internal import CarillonNet

/// A unit from the moment it is asked for until its waiter is answered, exactly once.
///
/// Confined to its pool's loop, hence safe as `@unchecked Sendable`; the cancellation of a task only carries the
/// reference to the loop.
final class PendingUnit: @unchecked Sendable {
    let unit: Unit
    let deadline: MonotonicTime?
    private var continuation: UnsafeContinuation<Result<[ResultSet], PostgresError>, Never>?

    /// Whether it was handed to a connection.
    private(set) var isSent = false
    // What happened since it was last sent; owned by the connection that sent it.
    private(set) var results: [ResultSet] = []
    private(set) var failure: PostgresError?
    /// The queries whose statements this unit prepares, with the names it gave them; empty in the common case.
    var preparations: [(query: Int, name: String)] = []
    /// Whether it failed because a prepared statement was missing or stale; it is sent again once.
    private(set) var lacksStatement = false
    private var wasPreparedAnew = false
    /// Whether it failed because a request to cancel another unit came too late for that one; it is sent again.
    private var isHit = false
    private var hits = 0
    /// A unit that was hit so often is given up: something else cancels it.
    private static let hitLimit = 5
    private var conflicts = 0
    private static let conflictLimit = 3
    private var losses = 0

    init(_ unit: Unit, deadline: MonotonicTime?) {
        self.unit = unit
        self.deadline = deadline
    }

    /// The waiter stands by.
    func wait(_ continuation: UnsafeContinuation<Result<[ResultSet], PostgresError>, Never>) {
        self.continuation = continuation
    }

    /// Whether the waiter was answered or gave up.
    var isFinished: Bool { continuation == nil }

    func finish(_ result: Result<[ResultSet], PostgresError>) {
        continuation?.resume(returning: result)
        continuation = nil
    }

    // MARK: One sending

    /// Forgets what an earlier sending brought.
    func beginSending() {
        isSent = true
        results.removeAll(keepingCapacity: true)
        results.reserveCapacity(unit.queries.count)
        preparations.removeAll()
        failure = nil
        lacksStatement = false
        isHit = false
    }

    func keep(_ result: ResultSet) {
        results.append(result)
    }

    /// - Parameter mayBeHit: whether a request to cancel another unit may have reached the server during this one.
    func keep(_ report: ServerReport, at command: PipelineStateMachine.Command, mayBeHit: Bool) {
        isHit = mayBeHit && report.sqlState == PipelineStateMachine.cancelled
        var query: Int?
        switch command {
        case .query(let index):
            query = index
            // 26000: no such prepared statement; 0A000: "cached plan must not change result type". Only a statement
            // that was prepared before this unit can have gone stale.
            let wasPrepared = unit.queries[index].statement.prepared && !preparations.contains { $0.query == index }
            lacksStatement = wasPrepared && (report.sqlState == "26000" || report.sqlState == "0A000")
        case .prepare(let index): query = index
        default: break
        }
        failure = PostgresError(report: report, queryIndex: query, isCommitUnknown: false)
        if command == .setRole, report.sqlState == "22023" {
            // "role does not exist": it never was there, or went with its schema. Nothing of the unit is to blame.
            failure = PostgresError(.insufficientPrivilege, "there is no such role", sqlState: report.sqlState)
        }
        if report.sqlState == "26000", command == .begin || command == .commit {
            // BEGIN or COMMIT itself: the session was taken from under us, and another one will do.
            failure = PostgresError(.connectionFailed, "the session was reset", sqlState: report.sqlState)
        }
    }

    func name(ofPreparedQuery index: Int) -> String? {
        preparations.first { $0.query == index }?.name
    }

    /// Whether to send the unit once more because it was cancelled in another one's place: its transaction is undone, so it
    /// has not happened. True a few times at most.
    func takeChanceAfterHit() -> Bool {
        guard isHit, hits < Self.hitLimit, !isFinished else { return false }
        hits += 1
        return true
    }

    /// Whether to send the unit once more after a serialization failure or a deadlock: the server has rolled it back, and says
    /// that the same again has a chance. True a few times at most.
    func takeChanceAfterConflict() -> Bool {
        guard failure?.code == .serialization, failure?.isCommitUnknown == false, conflicts < Self.conflictLimit,
            !isFinished
        else { return false }
        conflicts += 1
        return true
    }

    /// Whether to run the unit on another connection, when its own was lost before it could happen. True so many times at
    /// most: it may be what ends the sessions.
    func takeChanceAfterLoss(limit: Int) -> Bool {
        guard losses < limit, !isFinished else { return false }
        losses += 1
        isSent = false
        return true
    }

    /// Whether to prepare the unit's statements anew and send it once more; true at most once.
    func takeSecondChance() -> Bool {
        guard lacksStatement, !wasPreparedAnew, !isFinished else { return false }
        wasPreparedAnew = true
        return true
    }
}
