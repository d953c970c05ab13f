internal import CLibPQ
package import CarillonNet

/// One connection of its own for long work that a pool's units cannot do: a transaction of many steps, and COPY in either
/// direction. It is used by one task at a time, and not made again when it is lost.
///
/// ```
/// open ─▶ idle ⇄ (run | copying out | copying in) ─▶ closed
/// ```
/// Whatever fails leaves the session closed when the line or the caller's time was the reason, and otherwise as the server
/// has it: an open transaction has failed and wants ``rollback()``. Rows are taken from libpq only while somebody asks for
/// them, so a slow reader holds back the server and fills no memory; octets that are given are written before the call
/// returns, so a slow server holds back the giver.
///
/// Confined to `loop`; every entry asserts. Safe as `@unchecked Sendable` for that reason.
package final class PostgresSession: @unchecked Sendable {
    /// What the session is at.
    enum State {
        case idle
        /// The server works on something.
        case running
        case copyingOut
        /// The last rows were handed out, and the server has said that there are no more.
        case copiedOut
        case copyingIn
        case closed
    }

    /// The loop that all calls come on.
    package let loop: EventLoop
    /// Until when whoever uses the session waits, by the loop's clock; nil is without end. What is not done by then is
    /// cancelled at the server, and the session closed.
    package var deadline: MonotonicTime?

    var state = State.idle
    var handle: OpaquePointer?
    var parameters = ParameterBuffer()
    private var watch: DescriptorWatch?
    private let waiter: Waiter
    private let configuration: PostgresConfiguration

    private init(loop: EventLoop, configuration: PostgresConfiguration, deadline: MonotonicTime?) {
        self.loop = loop
        self.configuration = configuration
        self.deadline = deadline
        waiter = Waiter(on: loop)
    }

    deinit {
        assert(handle == nil, "a session was dropped without close()")
    }

    /// Connects and sets the session up. On the loop.
    ///
    /// - Parameters:
    ///   - loop: the loop that all calls will come on.
    ///   - configuration: where to and with which limits; what concerns pools only is not looked at.
    ///   - deadline: see ``deadline``. Connecting has the configuration's limit besides.
    package static func open(
        on loop: EventLoop, configuration: PostgresConfiguration, deadline: MonotonicTime? = nil
    ) async throws(PostgresError) -> PostgresSession {
        loop.assertOnLoop()
        let session = PostgresSession(loop: loop, configuration: configuration, deadline: deadline)
        do throws(PostgresError) {
            try await session.connect()
            // One message of the simple protocol: one round trip.
            try await session.command(configuration.sessionCommands.joined(separator: "; "))
        } catch {
            session.close()
            throw error
        }
        return session
    }

    /// Tries one server after the other; each has the time that the connection string or the configuration gives.
    private func connect() async throws(PostgresError) {
        let parameters = try ConnectionParameters(
            configuration.connectionInfo, applicationName: configuration.applicationName)
        var hosts: [ConnectionParameters.Host] = parameters.hosts.isEmpty ? [.init(name: "")] : []
        for host in parameters.hosts {
            guard host.needsResolution else {
                hosts.append(host)
                continue
            }
            let name = host.name
            let answer = (try? await loop.offload { HostResolution.look(up: name) }) ?? .noAnswer
            guard case .addresses(let addresses) = answer else { continue }
            hosts += addresses.map { .init(name: name, address: $0, port: host.port) }
        }
        let limit = deadline
        var refusal = PostgresError(.connectionFailed, "the host's name has no address")
        for host in hosts {
            let time = loop.now.advanced(by: parameters.connectTimeout ?? configuration.connectTimeout)
            deadline = limit.map { min($0, time) } ?? time
            do throws(PostgresError) {
                try await connect(parameters, host)
                deadline = limit
                return
            } catch {
                refusal = error
                leaveHost()
                if error.code == .cancelled { throw error }
                if error.code == .deadlineExceeded {
                    guard limit.map({ loop.now < $0 }) ?? true else { throw error }
                    refusal = PostgresError(.connectionFailed, "connecting took too long")
                }
            }
        }
        throw refusal
    }

    /// Drops what was begun with a server.
    private func leaveHost() {
        watch?.close()
        watch = nil
        if let handle { PQfinish(handle) }
        handle = nil
        state = .idle
    }

    private func connect(
        _ parameters: ConnectionParameters, _ host: ConnectionParameters.Host
    ) async throws(PostgresError) {
        handle = parameters.beginConnecting(to: host)
        guard let handle, PQstatus(handle) != CONNECTION_BAD else { throw lost("connecting failed") }
        // What the server says beside its answers would be printed otherwise.
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
        var polling = PGRES_POLLING_WRITING
        while polling != PGRES_POLLING_OK {
            // PQconnectPoll may open another descriptor by the same number, so each look has a watch of its own.
            watch = loop.watch(descriptor: PQsocket(handle)) { [waiter] _ in waiter.wake() }
            try await ready(for: polling == PGRES_POLLING_READING ? .readable : .writable)
            watch?.close()
            watch = nil
            polling = PQconnectPoll(handle)
            if polling == PGRES_POLLING_FAILED { throw lost("connecting failed") }
        }
        guard PQsetnonblocking(handle, 1) == 0 else { throw lost("libpq refused to be non-blocking") }
        watch = loop.watch(descriptor: PQsocket(handle)) { [waiter] _ in waiter.wake() }
    }

    /// Ends the session. What the server is at is cancelled, an open transaction undone. Harmless if it was closed. On the
    /// loop.
    package func close() {
        loop.assertOnLoop()
        guard state != .closed else { return }
        let isAtWork = state != .idle && state != .copiedOut
        state = .closed
        if isAtWork, let handle, let request = CancelRequest(handle) {
            // A server that computes does not notice that nobody listens any more.
            let loop = self.loop
            loop.spawn { try? await loop.offload { request.send() } }
        }
        // libpq closes the descriptor, so the watch goes first.
        watch?.close()
        watch = nil
        if let handle { PQfinish(handle) }
        handle = nil
        waiter.wake()
    }

    // MARK: Waiting

    /// Waits until the descriptor may be ready.
    ///
    /// - Throws: when the caller's time is over or its task cancelled; the session is closed then.
    func ready(for interest: ReadyEvents) async throws(PostgresError) {
        try check()
        watch?.interest = interest
        let timer = deadline.map { deadline in loop.schedule(at: deadline) { [waiter] in waiter.wake() } }
        await waiter.wait()
        timer?.cancel()
        watch?.interest = []
        try check()
    }

    private func check() throws(PostgresError) {
        if state == .closed { throw PostgresError(.unavailable, "the session is closed") }
        if Task.isCancelled {
            close()
            throw PostgresError(.cancelled, "the caller was cancelled")
        }
        if let deadline, deadline <= loop.now {
            close()
            throw PostgresError(.deadlineExceeded, "the caller's deadline passed")
        }
    }

    /// Writes what libpq holds, and reads meanwhile: with both sides' buffers full nothing would move.
    func flush() async throws(PostgresError) {
        while let handle {
            switch PQflush(handle) {
            case 0: return
            case 1:
                try await ready(for: [.readable, .writable])
                if let handle = self.handle, PQconsumeInput(handle) != 1 { throw lose("the connection was lost") }
            default: throw lose("the connection was lost")
            }
        }
        throw PostgresError(.unavailable, "the session is closed")
    }

    /// The next result; nil behind the last one of a command.
    func nextResult() async throws(PostgresError) -> OpaquePointer? {
        while let handle {
            if PQisBusy(handle) == 0 { return PQgetResult(handle) }
            try await ready(for: .readable)
            if let handle = self.handle, PQconsumeInput(handle) != 1 { throw lose("the connection was lost") }
        }
        throw PostgresError(.unavailable, "the session is closed")
    }

    // MARK: Failing

    /// Closes the session because of what libpq or the server said last.
    func lose(_ explanation: String) -> PostgresError {
        let error = lost(explanation)
        state = .idle  // There is nobody to send a request to cancel to.
        close()
        return error
    }

    private func lost(_ explanation: String) -> PostgresError {
        let message = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) }
        return PostgresError(.connectionFailed, explanation, serverMessage: message)
    }

    /// What a failed result means. The result is the caller's to clear.
    func failure(_ result: OpaquePointer) -> PostgresError {
        guard let report = ServerReport(result) else { return lose("the connection was lost") }
        let error = PostgresError(report: report, queryIndex: nil, isCommitUnknown: false)
        if report.isFatal { _ = lose("the server ended the connection") }
        return error
    }
}
