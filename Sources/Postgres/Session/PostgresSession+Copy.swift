internal import CLibPQ
internal import CarillonNet

/// Rows of a COPY in the order they came.
package struct CopiedRows: Sendable {
    /// The rows in COPY's text form, each with its line feed.
    package let octets: [UInt8]
    /// How many they are.
    package let count: Int
}

// COPY goes by the simple protocol: after an error in the middle of COPY IN the server of the extended one waits for a Sync
// that libpq only sends at the end of a COPY that went well.
extension PostgresSession {
    // MARK: Out

    /// Begins `COPY … TO STDOUT` in text form; ``copiedRows(limit:)`` returns what comes. On the loop.
    package func beginCopyOut(_ statement: Statement) async throws(PostgresError) {
        try await beginCopy(statement, PGRES_COPY_OUT, .copyingOut)
    }

    /// The next rows; nil when there are no more, and the session is free for other work again. On the loop.
    ///
    /// - Parameter limit: gathers rows until there are so many octets; the last row may go beyond it.
    package func copiedRows(limit: Int) async throws(PostgresError) -> CopiedRows? {
        loop.assertOnLoop()
        if state == .copiedOut {
            state = .idle
            return nil
        }
        guard state == .copyingOut else { throw PostgresError(.invalidStatement, "nothing is being copied") }
        var octets: [UInt8] = []
        var count = 0
        while octets.count < limit, let handle {
            var row: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &row, 1)
            if let row {
                octets.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(length)))
                PQfreemem(row)
                count += 1
                continue
            }
            guard length == 0 else {
                // -1 is the end, -2 a failure; the results say which.
                if let result = try await onlyResult() { PQclear(result) }
                guard count > 0 else { return nil }
                state = .copiedOut
                break
            }
            try await ready(for: .readable)
            if let handle = self.handle, PQconsumeInput(handle) != 1 { throw lose("the connection was lost") }
        }
        return CopiedRows(octets: octets, count: count)
    }

    // MARK: In

    /// Begins `COPY … FROM STDIN` in text form. On the loop.
    package func beginCopyIn(_ statement: Statement) async throws(PostgresError) {
        try await beginCopy(statement, PGRES_COPY_IN, .copyingIn)
    }

    /// Gives further octets, cut anywhere, and returns when they are written. On the loop.
    ///
    /// - Throws: when the line is lost. What the server refuses is told by ``endCopyIn()``: until then it reads on and drops
    ///   what it reads.
    package func copy(_ octets: some Collection<UInt8>) async throws(PostgresError) {
        loop.assertOnLoop()
        guard state == .copyingIn, let handle else {
            throw PostgresError(.invalidStatement, "nothing is being copied")
        }
        guard PQconsumeInput(handle) == 1 else { throw lose("the connection was lost") }
        let put: (UnsafeBufferPointer<UInt8>) -> CInt = { buffer in
            buffer.withMemoryRebound(to: CChar.self) { PQputCopyData(handle, $0.baseAddress, CInt($0.count)) }
        }
        let isTaken = octets.withContiguousStorageIfAvailable(put) ?? Array(octets).withUnsafeBufferPointer(put)
        guard isTaken == 1 else { throw lose("libpq could not send") }
        try await flush()
    }

    /// Ends the COPY. On the loop.
    ///
    /// - Returns: how many rows the server has stored.
    /// - Throws: what the server has refused, which may be octets that were given long before.
    package func endCopyIn() async throws(PostgresError) -> Int {
        loop.assertOnLoop()
        guard state == .copyingIn, let handle else {
            throw PostgresError(.invalidStatement, "nothing is being copied")
        }
        guard PQconsumeInput(handle) == 1 else { throw lose("the connection was lost") }
        guard PQputCopyEnd(handle, nil) == 1 else { throw lose("libpq could not send") }
        try await flush()
        guard let result = try await onlyResult() else { throw lose("a COPY was not answered") }
        return ResultSet(taking: result).affectedRows
    }

    private func beginCopy(
        _ statement: Statement, _ expected: ExecStatusType, _ work: State
    ) async throws(PostgresError) {
        loop.assertOnLoop()
        try Unit([Query(statement)]).validate()
        let handle = try begin(.running)
        guard PQsendQuery(handle, statement.text) == 1 else { throw lose("libpq could not send") }
        try await flush()
        guard let result = try await nextResult() else { throw lose("a COPY was not answered") }
        defer { PQclear(result) }
        if PQresultStatus(result) == expected {
            state = work
            return
        }
        let refusal = PQresultStatus(result) == PGRES_FATAL_ERROR ? failure(result) : nil
        guard let refusal else { throw lose("a COPY was answered by something else") }
        if self.handle != nil, let rest = try await onlyResult() { PQclear(rest) }
        throw refusal
    }
}
