import Foundation
import Programs

/// A tool of the toolchain that did not do what was asked.
struct ToolFailure: Error, CustomStringConvertible {
    let output: String

    var description: String { output }
}

/// Runs programs found on PATH.
enum Tool {
    /// Runs a program to its end, and gives its exit status and what it wrote to both outputs.
    static func run(_ arguments: [String], input: String = "") throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe.forProgram()
        let errors = FileManager.default.temporaryDirectory.appending(path: "carillon-tool-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        let feed = Pipe.forProgram()
        process.standardInput = feed
        try process.startInTurn()
        // Smaller than a pipe's buffer, so this never waits for the other side.
        try feed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try feed.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let said = process.terminationStatus == 0 ? Data() : try Data(contentsOf: errors)
        return (process.terminationStatus, String(decoding: text + said, as: UTF8.self))
    }
}

/// swift-format as it comes with the toolchain, under the configuration of the repository.
enum SwiftFormat {
    private static let lint = ["swift", "format", "lint", "--strict", "--configuration"]

    /// Lints one text.
    static func lint(_ text: String) throws -> (status: Int32, text: String) {
        try Tool.run(lint + [Repository.root.appending(path: ".swift-format").path, "-"], input: text)
    }

    /// Lints files and all that is below folders, by their paths from the root of the repository.
    static func lint(paths: [String]) throws -> (status: Int32, text: String) {
        try Tool.run(
            lint + [Repository.root.appending(path: ".swift-format").path, "--parallel", "--recursive"]
                + paths.map { Repository.root.appending(path: $0).path })
    }
}
