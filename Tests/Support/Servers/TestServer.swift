package import Foundation
internal import Programs
internal import Synchronization

/// A server in Python that a test runs for itself: it says on which port it listens, tells what happens to it as JSON
/// lines, and ends with its standard input, hence with the test, however that ends.
package final class TestServer: Sendable {
    /// One line that the server printed.
    package struct Event: Decodable, Sendable {
        package let event: String
        package let port: Int?
        package let connection: Int?
        package let sender: String?
        package let recipients: [String]?
        package let tls: Bool?
        package let user: String?
        package let content: String?
        package let path: String?
    }

    /// The server could not be started.
    package struct CannotStart: Error, CustomStringConvertible {
        package let description: String
    }

    private struct State {
        var unread = Data()
        var events: [Event] = []
        var hasEnded = false
        var waiters: [(isDone: ([Event]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let process: Process
    private let input: Pipe

    private init(process: Process, input: Pipe) {
        self.process = process
        self.input = input
    }

    deinit {
        try? input.fileHandleForWriting.close()
    }

    // MARK: Starting

    /// Starts an SMTP server; the arguments are those of `smtp_server.py`.
    package static func smtp(
        _ arguments: [String] = [], rules: String = "[]", certificate: TestCertificate? = nil
    ) async throws -> TestServer {
        var arguments = arguments + ["--rules", rules]
        if let certificate { arguments += certificate.arguments }
        return try await start("smtp_server.py", arguments)
    }

    /// Starts an HTTP server, see `http_server.py`.
    package static func http(certificate: TestCertificate? = nil) async throws -> TestServer {
        try await start("http_server.py", certificate?.arguments ?? [])
    }

    private static func start(_ script: String, _ arguments: [String]) async throws -> TestServer {
        let process = Process()
        process.executableURL = try python()
        process.arguments = [support.appending(path: script).path] + arguments
        let input = Pipe.forProgram()
        let output = Pipe.forProgram()
        process.standardInput = input
        process.standardOutput = output
        let server = TestServer(process: process, input: input)
        output.fileHandleForReading.readabilityHandler = { [weak server] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            server?.received(data)
        }
        try process.startInTurn()
        await server.wait { !$0.isEmpty }
        guard server.port > 0 else { throw CannotStart(description: "\(script) ended before it listened") }
        return server
    }

    /// The folder of the scripts.
    package static let support = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// The Python that has the packages of Tests/requirements.txt.
    package static func python() throws -> URL {
        let root = support.deletingLastPathComponent().deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["CARILLON_TEST_PYTHON"]
        let url = named.map { URL(filePath: $0) } ?? root.appending(path: ".venv/bin/python")
        guard FileManager.default.isExecutableFile(atPath: url.path) else {
            throw CannotStart(
                description: "no Python at \(url.path): run `make setup`, or name one in CARILLON_TEST_PYTHON")
        }
        return url
    }

    // MARK: What happened

    /// The port the server listens on.
    package var port: Int { state.withLock { $0.events.first?.port ?? 0 } }

    /// What the server told so far.
    package var events: [Event] { state.withLock { $0.events } }

    /// The messages and the like that the server told of, as soon as there are so many; fewer only if it ended.
    package func events(_ name: String, count: Int) async -> [Event] {
        await wait { $0.count { $0.event == name } >= count }
        return events.filter { $0.event == name }
    }

    /// How many connections were made to an SMTP server.
    package var connections: Int { events.count { $0.event == "connected" } }

    private func wait(until isDone: @escaping @Sendable ([Event]) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isDoneAlready = state.withLock { state in
                if state.hasEnded || isDone(state.events) { return true }
                state.waiters.append((isDone, continuation))
                return false
            }
            if isDoneAlready { continuation.resume() }
        }
    }

    private func received(_ data: Data) {
        let woken = state.withLock { state in
            if data.isEmpty { state.hasEnded = true }
            var rest = data[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = state.unread + rest[..<end]
                if let event = try? JSONDecoder().decode(Event.self, from: line) { state.events.append(event) }
                state.unread = Data()
                rest = rest[(end + 1)...]
            }
            state.unread.append(rest)
            let isOver = state.hasEnded
            let events = state.events
            let done = state.waiters.filter { isOver || $0.isDone(events) }
            state.waiters.removeAll { isOver || $0.isDone(events) }
            return done.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }
}
