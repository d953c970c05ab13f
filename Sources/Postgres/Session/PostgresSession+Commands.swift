internal import CLibPQ
internal import CarillonNet

extension PostgresSession {
    /// How a transaction sees others.
    package enum Isolation: Sendable {
        /// Each statement sees what was committed before it.
        case readCommitted
        /// All statements see the same moment, and none may write.
        case snapshot
    }

    /// Begins a transaction. On the loop.
    ///
    /// - Parameters:
    ///   - isolation: what it sees.
    ///   - role: the role that all of it runs as, by the rules of ``Unit/role``; nil for the one that logged in.
    package func begin(_ isolation: Isolation = .readCommitted, role: String? = nil) async throws(PostgresError) {
        if let role, !Unit.isRoleName(role) {
            throw PostgresError(.invalidStatement, "the role's name is not allowed")
        }
        let begin =
            switch isolation {
            case .readCommitted: "BEGIN"
            case .snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            }
        try await command(role.map { "\(begin); SET LOCAL ROLE \"\($0)\"" } ?? begin)
    }

    /// Commits the open transaction. On the loop.
    ///
    /// - Throws: what the server refuses, such as a deferred constraint; ``PostgresError/isCommitUnknown`` says whether it may
    ///   have been committed all the same.
    package func commit() async throws(PostgresError) {
        guard let handle, PQtransactionStatus(handle) == PQTRANS_INTRANS else {
            throw PostgresError(.invalidStatement, "there is no transaction that could be committed")
        }
        do throws(PostgresError) {
            try await command("COMMIT")
        } catch {
            let isAnswered = error.sqlState != nil && self.handle != nil
            throw error.withCommitUnknown(!isAnswered)
        }
    }

    /// Undoes the open transaction; harmless without one. On the loop.
    package func rollback() async throws(PostgresError) {
        guard let handle, PQtransactionStatus(handle) != PQTRANS_IDLE else { return }
        try await command("ROLLBACK")
    }

    /// Runs one query and returns its rows, all of them in memory. On the loop.
    @discardableResult
    package func run(_ query: Query) async throws(PostgresError) -> ResultSet {
        loop.assertOnLoop()
        try Unit([query]).validate()
        let handle = try begin(.running)
        parameters.encode(query.parameters)
        let isSent = parameters.types.withUnsafeBufferPointer { types in
            parameters.withArguments { count, values, lengths, formats in
                PQsendQueryParams(handle, query.statement.text, count, types.baseAddress, values, lengths, formats, 1)
            }
        }
        guard isSent == 1 else { throw lose("libpq could not send") }
        try await flush()
        guard let result = try await onlyResult() else {
            throw PostgresError(.other, "a command was not answered")
        }
        return ResultSet(taking: result)
    }

    /// Runs commands of ours that take no parameters and return nothing.
    func command(_ text: String) async throws(PostgresError) {
        loop.assertOnLoop()
        let handle = try begin(.running)
        guard PQsendQuery(handle, text) == 1 else { throw lose("libpq could not send") }
        try await flush()
        if let result = try await onlyResult() { PQclear(result) }
    }

    /// Takes the session for a piece of work.
    func begin(_ work: State) throws(PostgresError) -> OpaquePointer {
        guard let handle, state == .idle else {
            throw PostgresError(.unavailable, state == .closed ? "the session is closed" : "the session is at work")
        }
        state = work
        return handle
    }

    /// Takes all answers to what was sent: the last good one, or the first failure. The session is idle after that.
    func onlyResult() async throws(PostgresError) -> OpaquePointer? {
        var last: OpaquePointer?
        var refusal: PostgresError?
        defer { if refusal != nil, let last { PQclear(last) } }
        do throws(PostgresError) {
            while let result = try await nextResult() {
                switch PQresultStatus(result) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                    if let last { PQclear(last) }
                    last = result
                default:
                    if refusal == nil { refusal = failure(result) }
                    PQclear(result)
                }
                guard handle != nil else { break }
            }
        } catch {
            refusal = refusal ?? error
        }
        if state != .closed { state = .idle }
        if let refusal { throw refusal }
        return last
    }
}
