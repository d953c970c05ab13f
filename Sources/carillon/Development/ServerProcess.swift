internal import Foundation
internal import Synchronization

/// A running PostgreSQL server: started, its log kept, and reaped by a thread of its own.
///
/// The thread lives as long as the server: on Linux a server is told to stop when the *thread* that started it is gone
/// (`PR_SET_PDEATHSIG`, prctl(2)), which a thread of a pool may be at any time.
///
/// States: starting → ready → over, or starting → over.
final class ServerProcess: Sendable {
    private struct State {
        var processIdentifier: pid_t = 0
        var isReady = false
        var isOver = false
        var isStopping = false
        /// The last lines of the log, for the message when the server does not start.
        var lastLines: [String] = []
    }

    private let state = Mutex(State())
    private let changed = NSCondition()
    private let log: URL
    private let onCrash: @Sendable () -> Void

    /// Starts the command and returns when the server takes connections.
    ///
    /// - Parameters:
    ///   - log: the file that the server's log is added to.
    ///   - onCrash: called, on a thread of its own, if the server ends although nobody stopped it.
    /// - Throws: ``DevelopmentTrouble`` with the end of the log.
    init(_ command: [String], in directory: URL, log: URL, onCrash: @escaping @Sendable () -> Void) throws {
        self.log = log
        self.onCrash = onCrash
        let thread = Thread { self.watch(command, in: directory) }
        thread.name = "postgres"
        thread.start()
        wait { $0.isReady || $0.isOver }
        let (isReady, lines) = state.withLock { ($0.isReady, $0.lastLines) }
        guard isReady else {
            throw DevelopmentTrouble("PostgreSQL did not start:\n\(lines.joined(separator: "\n"))")
        }
    }

    /// Stops the server and returns when it is gone: fast at first, as after a crash if that takes too long.
    func stop() {
        for (signal, patience) in [(SIGINT, 15.0), (SIGQUIT, 5.0), (SIGKILL, 5.0)] {
            let process = change { state -> pid_t? in
                state.isStopping = true
                return state.isOver ? nil : state.processIdentifier
            }
            guard let process else { return }
            kill(process, signal)
            if wait(atMost: patience, until: { $0.isOver }) { return }
        }
    }

    private func watch(_ command: [String], in directory: URL) {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = directory
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            return change {
                $0.lastLines = ["\(error)"]
                $0.isOver = true
            }
        }
        let identifier = process.processIdentifier
        change { $0.processIdentifier = identifier }
        copyLog(from: output.fileHandleForReading)
        process.waitUntilExit()
        let isCrash = change { state in
            state.isOver = true
            return state.isReady && !state.isStopping
        }
        if isCrash { onCrash() }
    }

    /// Reads until the server and all its backends have closed their log.
    private func copyLog(from handle: FileHandle) {
        // The log of this run alone; a file that cannot be made is no reason to do without a server.
        try? KeptFile.write("", to: log, for: .owner)
        let file = try? FileHandle(forWritingTo: log)
        var line = Data()
        while case let data = handle.availableData, !data.isEmpty {
            try? file?.write(contentsOf: data)
            for octet in data {
                if octet == UInt8(ascii: "\n") {
                    note(String(decoding: line, as: UTF8.self))
                    line.removeAll()
                } else {
                    line.append(octet)
                }
            }
        }
    }

    private func note(_ line: String) {
        change { state in
            state.lastLines.append(line)
            if state.lastLines.count > 20 { state.lastLines.removeFirst() }
            // The wording has been the same since PostgreSQL 7.4, and the cluster's messages are in English.
            if line.hasSuffix("database system is ready to accept connections") { state.isReady = true }
        }
    }

    @discardableResult
    private func change<Result>(_ body: (inout sending State) -> sending Result) -> sending Result {
        let result = state.withLock { body(&$0) }
        changed.withLock { changed.broadcast() }
        return result
    }

    private func wait(until holds: (borrowing State) -> Bool) {
        changed.withLock {
            while !state.withLock({ holds($0) }) { changed.wait() }
        }
    }

    /// Waits, but not longer than some seconds; whether it came about.
    private func wait(atMost seconds: TimeInterval, until holds: (borrowing State) -> Bool) -> Bool {
        let limit = Date(timeIntervalSinceNow: seconds)
        return changed.withLock {
            while !state.withLock({ holds($0) }) {
                if !changed.wait(until: limit) { return false }
            }
            return true
        }
    }
}
