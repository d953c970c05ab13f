internal import DequeModule

/// What was sent on a connection and what came back of it: decides what each answer means. Pure; the connection carries
/// the decisions out.
///
/// A connection sends *exchanges*, each ended by one Sync. The server answers their commands in order; after an error
/// it skips the rest of the exchange until the Sync. A unit (`BEGIN … COMMIT`) that fails therefore leaves its
/// transaction open and failed, because its COMMIT was skipped, while further units may be on their way behind it. What
/// makes this safe without costing the units that succeed anything:
///
/// 1. In a failed transaction the server refuses every command but COMMIT and ROLLBACK with SQLSTATE 25P02. The first
///    command of a unit is BEGIN. So a unit that came too late has its *BEGIN* refused, and everything else in it is
///    skipped until its Sync: **a unit whose BEGIN was answered with 25P02 has not run at all**, and is simply sent
///    again.
/// 2. At the Sync of the failed unit a *repair* (`ROLLBACK`, Sync) is sent. It lies behind all units that are refused,
///    and before everything that is sent later.
///
/// Exchanges:
/// ```
/// waiting ─ COMMIT answered ─▶ committed
///    ├──── BEGIN answered with 25P02 ─▶ refused         (sent again)
///    ├──── error before COMMIT ───────▶ failed, open    (repair follows)
///    └──── error at COMMIT or BEGIN ──▶ failed, closed
/// ```
struct PipelineStateMachine {
    /// One command on its way, in the order of sending.
    enum Command: Hashable {
        case begin
        case setRole
        /// A setting of the transaction.
        case setLocal
        /// The Parse of a unit's query.
        case prepare(query: Int)
        case query(Int)
        case commit
        case rollback
        /// A DEALLOCATE, with its place in its exchange.
        case deallocate(Int)
        /// A SET or Parse while the connection is being set up.
        case setting
        case sync
    }

    /// What the commands up to one Sync are together.
    enum Exchange: Hashable {
        case setUp
        case unit
        case repair
        case deallocation
    }

    /// One thing that libpq hands out.
    enum Answer: Hashable {
        case success
        /// An error report. A fatal one is the last thing the server says on this connection.
        case failure(sqlState: String, isFatal: Bool)
        /// The command was not looked at, because one before it in the exchange failed.
        case skipped
        /// The end of the answers to one command.
        case endOfCommand
        case sync
    }

    /// What the connection does about an answer. It always concerns the oldest exchange.
    enum Action: Hashable {
        case nothing
        /// Keep the rows for the unit.
        case keepResult(query: Int)
        /// The statement of this query is now prepared on the server.
        case confirmPrepared(query: Int)
        /// Keep the report; the exchange has failed. If `leavesTransactionOpen`, nothing that is on its way will be
        /// prepared.
        case keepFailure(at: Command, leavesTransactionOpen: Bool)
        /// This DEALLOCATE did not run.
        case keepStatement(Int)
        /// The exchange is over: take it out.
        case finish(Outcome)
        /// The answers do not fit what was sent: nothing on this connection can be trusted any more.
        case close
    }

    /// How an exchange ended. `needsRepair` asks for a ``Exchange/repair`` before anything else is sent.
    enum Outcome: Hashable {
        case succeeded
        case failed(needsRepair: Bool)
        case refused(needsRepair: Bool)
    }

    /// What is known about an exchange when the connection is lost.
    enum Fate: Hashable {
        /// COMMIT was answered.
        case succeeded
        /// It failed before, and the report was kept.
        case failed
        /// It failed with a fatal report at COMMIT, which may have been carried out.
        case failedAtCommit
        /// No command of it ran.
        case notRun
        /// COMMIT may have been carried out.
        case unknown
    }

    private enum State {
        case waiting
        case succeeded
        case failed(open: Bool, atCommit: Bool)
        case refused
    }

    private var commands: Deque<Command> = []
    private var exchanges: Deque<(kind: Exchange, state: State)> = []
    private var isAnswered = false
    private var isFatal = false
    private var repairsInFlight = 0

    /// How many units are on their way.
    private(set) var unitsInFlight = 0

    /// Whether any answer is still to come.
    var isWaiting: Bool { !exchanges.isEmpty }

    /// Whether the next answer is that to a COMMIT which is carried out.
    var isAtCommit: Bool {
        guard commands.first == .commit, case .waiting? = exchanges.first?.state else { return false }
        return true
    }

    // MARK: Sending

    /// An exchange begins; its commands follow, then ``Command/sync``.
    mutating func begin(_ exchange: Exchange) {
        exchanges.append((exchange, .waiting))
        if exchange == .unit { unitsInFlight += 1 }
        if exchange == .repair { repairsInFlight += 1 }
    }

    /// A command of the newest exchange was handed to libpq.
    mutating func sent(_ command: Command) {
        commands.append(command)
    }

    // MARK: Receiving

    /// Takes the next answer and says what follows.
    mutating func receive(_ answer: Answer) -> Action {
        guard let command = commands.first, !exchanges.isEmpty else { return .close }
        switch (answer, command) {
        case (.sync, .sync): return finish()
        case (.failure(_, isFatal: true), .sync):
            isFatal = true
            return .close
        case (.sync, _), (_, .sync): return .close
        case (.endOfCommand, _):
            guard isAnswered else { return .close }
            isAnswered = false
            commands.removeFirst()
            return .nothing
        default:
            // Each command has one answer.
            guard !isAnswered else { return .close }
            isAnswered = true
            return take(answer, to: command)
        }
    }

    private mutating func take(_ answer: Answer, to command: Command) -> Action {
        switch (answer, exchanges[0].state) {
        case (.success, .waiting): return succeed(command)
        case (.failure(let sqlState, let isFatal), .waiting):
            self.isFatal = self.isFatal || isFatal
            return fail(command, sqlState)
        case (.failure(_, isFatal: true), _):
            isFatal = true
            return .nothing
        case (.skipped, .failed), (.skipped, .refused):
            if case .deallocate(let place) = command { return .keepStatement(place) }
            return .nothing
        default: return .close
        }
    }

    private mutating func succeed(_ command: Command) -> Action {
        switch command {
        case .prepare(let query): return .confirmPrepared(query: query)
        case .query(let query): return .keepResult(query: query)
        case .commit: exchanges[0].state = .succeeded
        case .begin, .setRole, .setLocal, .rollback, .deallocate, .setting, .sync: break
        }
        return .nothing
    }

    private mutating func fail(_ command: Command, _ sqlState: String) -> Action {
        switch command {
        case .begin where sqlState == "25P02":
            exchanges[0].state = .refused
            return .nothing
        case .begin, .setting:
            // BEGIN may have begun before it was cancelled. A ROLLBACK without a transaction does no harm.
            let open = command == .begin && sqlState == Self.cancelled
            exchanges[0].state = .failed(open: open, atCommit: false)
            return .keepFailure(at: command, leavesTransactionOpen: open)
        case .commit:
            // Whatever fails while committing ends the transaction; a COMMIT that was never prepared, or was cancelled before
            // it began, does not.
            let open = sqlState == "26000" || sqlState == Self.cancelled
            exchanges[0].state = .failed(open: open, atCommit: true)
            return .keepFailure(at: command, leavesTransactionOpen: open)
        case .setRole, .setLocal, .prepare, .query:
            exchanges[0].state = .failed(open: true, atCommit: false)
            return .keepFailure(at: command, leavesTransactionOpen: true)
        case .deallocate(let place):
            exchanges[0].state = .failed(open: false, atCommit: false)
            // 26000: there is no such statement, which is what was wanted.
            return sqlState == "26000" ? .nothing : .keepStatement(place)
        case .rollback where sqlState == Self.cancelled:
            // The request was for a unit before it.
            exchanges[0].state = .failed(open: true, atCommit: false)
            return .nothing
        case .rollback, .sync: return .close
        }
    }

    /// The SQLSTATE of what was cancelled, by request or by the server's time limit.
    static let cancelled = "57014"

    private mutating func finish() -> Action {
        commands.removeFirst()
        let (kind, state) = exchanges.removeFirst()
        if kind == .unit { unitsInFlight -= 1 }
        if kind == .repair { repairsInFlight -= 1 }
        switch state {
        case .succeeded: return .finish(.succeeded)
        case .failed(let open, _): return .finish(.failed(needsRepair: open))
        // Without a repair on its way there was an open transaction that nobody knew of; end it all the same.
        case .refused: return .finish(.refused(needsRepair: repairsInFlight == 0))
        // A unit ends by COMMIT; everything else by its Sync.
        case .waiting: return kind == .unit ? .close : .finish(.succeeded)
        }
    }

    // MARK: The end

    /// What is known about each exchange, oldest first, now that no more answers will come.
    ///
    /// The server runs commands in order. So after its last word (a fatal report) nothing else ran; and what lies
    /// between a unit that failed with its transaction open and the repair was or would be refused.
    func fates() -> [Fate] {
        var isRefusing = repairsInFlight > 0
        return exchanges.map { kind, state in
            if kind == .repair { isRefusing = false }
            switch state {
            case .succeeded: return .succeeded
            case .refused:
                isRefusing = true
                return .notRun
            case .failed(_, atCommit: true): return isFatal ? .failedAtCommit : .failed
            case .failed(let open, _):
                isRefusing = isRefusing || open
                return .failed
            case .waiting: return isFatal || isRefusing ? .notRun : .unknown
            }
        }
    }
}
