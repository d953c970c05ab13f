import Foundation
import Programs

/// Foreign programs, run to their end.
enum Command {
    struct Outcome: Sendable {
        let status: Int32
        /// Standard output and standard error, as they came.
        let output: String
    }

    /// Runs a program of the `PATH` with some input and returns what it said.
    static func run(_ arguments: [String], input: String = "") async throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe.ofFoundation()
        let given = Pipe.ofFoundation()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = given
        return try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: reading to the end blocks, and the pool of the tests has two threads.
            Thread {
                do {
                    try process.startInTurn()
                    try? given.fileHandleForWriting.write(contentsOf: Data(input.utf8))
                    try? given.fileHandleForWriting.close()
                    let data = try output.fileHandleForReading.readToEnd() ?? Data()
                    process.waitUntilExit()
                    continuation.resume(
                        returning: Outcome(
                            status: process.terminationStatus, output: String(decoding: data, as: UTF8.self)))
                } catch {
                    continuation.resume(throwing: error)
                }
            }.start()
        }
    }

    /// Runs a Python program of a few lines.
    static func python(_ program: String, _ arguments: String...) async throws -> Outcome {
        try await run(["python3", "-c", program] + arguments)
    }
}

extension Pipe {
    /// Foundation's class of the same name.
    fileprivate static func ofFoundation() -> Foundation.Pipe { Foundation.Pipe.forProgram() }
}
