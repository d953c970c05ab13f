import CarillonNet
import Foundation
import Programs
import Synchronization

@testable import CarillonGRPC

/// A server of another make that a test runs for itself: a Python script that says on which port it listens, tells what happens
/// to it line by line, and ends with its standard input, hence with the test.
final class ForeignServer: Sendable {
    enum Script: String {
        /// Answers in bad ways; see the script.
        case h2 = "h2_server.py"
        /// C-core.
        case grpcio = "grpcio_server.py"
        /// Answers by lot.
        case hostile = "hostile_server.py"
    }

    struct CannotStart: Error, CustomStringConvertible {
        let description: String
    }

    private let process = Process()
    private let input = Pipe.forProgram()
    private let output = Pipe.forProgram()
    private let lines = Lines()
    /// What the server told.
    var events: Events { lines.events }

    init(_ script: Script, _ arguments: [String] = []) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let root = folder.deletingLastPathComponent().deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["CARILLON_TEST_PYTHON"]
        let python = named.map { URL(filePath: $0) } ?? root.appending(path: ".venv/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else {
            throw CannotStart(
                description: "no Python at \(python.path): run `make setup`, or name one in CARILLON_TEST_PYTHON")
        }
        process.executableURL = python
        let files = TestCertificate.files
        process.arguments =
            [
                folder.appending(path: "ForeignServers/\(script.rawValue)").path, "--certificate", files.certificate,
                "--key",
                files.key,
            ] + arguments
        process.standardInput = input
        process.standardOutput = output
        let reader = Thread { [lines, handle = output.fileHandleForReading] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(handle.fileDescriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                lines.received(buffer.prefix(max(0, count)))
                if count <= 0 { return }
            }
        }
        reader.start()
        try process.startInTurn()
        await events.first(containing: "port ")
    }

    /// Gives the script a line of its standard input.
    func tell(_ words: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data("\(words)\n".utf8))
    }

    deinit {
        // The script ends with its input, and then its output does.
        try? input.fileHandleForWriting.close()
    }

    /// The output cut into lines. An object of its own, so that what reads it never holds the server itself.
    private final class Lines: Sendable {
        let events = Events()
        private let rest = Mutex<[UInt8]>([])

        func received(_ bytes: ArraySlice<UInt8>) {
            let lines = rest.withLock { rest -> [String] in
                rest += bytes
                var lines: [String] = []
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    lines.append(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeFirst(end + 1)
                }
                // A server that ends before it listens is not waited for: no client reaches port 0.
                if bytes.isEmpty { lines.append("port 0 ended") }
                return lines
            }
            for line in lines { events.record(line) }
        }
    }

    /// The port it listens on.
    var port: UInt16 {
        let line = events.recorded.first { $0.hasPrefix("port ") } ?? ""
        return line.split(separator: " ").dropFirst().first.flatMap { UInt16($0) } ?? 0
    }

    /// How many connections were made to it.
    var connections: Int { events.recorded.count { $0.hasPrefix("connection ") } }

    /// A client of the server, on a loop of its own, for the time of a closure.
    func withClient<Result>(
        _ change: (inout RPCClient.Configuration) -> Void = { _ in }, _ body: (RPCClient) async throws -> Result
    ) async throws -> Result {
        let loop = EventLoop(name: "client")
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        var configuration = RPCClient.Configuration(host: "127.0.0.1", port: port, tls: tls)
        change(&configuration)
        let client = RPCClient(loop: loop, configuration: configuration)
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(client))
        } catch {
            result = .failure(error)
        }
        await client.close()
        await loop.shutDown()
        return try result.get()
    }
}
