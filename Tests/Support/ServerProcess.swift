internal import Foundation
internal import Programs
internal import Synchronization

/// A running server: started, watched by its log, and reaped on a thread of its own.
///
/// That thread lives as long as the server, which matters on Linux: the signal that the server gets when its parent is
/// gone comes when the *thread* that started it ends (`PR_SET_PDEATHSIG`), and a thread of a pool may end at any time.
final class ServerProcess: Sendable {
    private struct State {
        var log: [String] = []
        var processIdentifier: pid_t = 0
        var isReady = false
        var isOver = false
        var failure: (any Error)?
    }

    private let condition = NSCondition()
    private let state = Mutex(State())

    /// Starts the command and returns when the server takes connections.
    init(_ command: [String], in folder: URL) throws {
        let thread = Thread { self.watch(command, folder) }
        thread.name = "private-postgres"
        thread.start()
        wait { $0.isReady || $0.isOver }
        let (isReady, failure, log) = state.withLock { ($0.isReady, $0.failure, $0.log) }
        if let failure { throw failure }
        guard isReady else { throw ClusterError("the server did not start:\n\(log.joined(separator: "\n"))") }
    }

    /// Sends a signal and returns when the server and all its backends are gone.
    func stop(_ signal: CInt) {
        let running = state.withLock { $0.isOver ? nil : $0.processIdentifier }
        if let running { kill(running, signal) }
        wait { $0.isOver }
    }

    private func watch(_ command: [String], _ folder: URL) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = folder
        let log = Pipe.forProgram()
        process.standardError = log
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        do {
            try process.startInTurn()
        } catch {
            return change {
                $0.failure = error
                $0.isOver = true
            }
        }
        let identifier = process.processIdentifier
        change { $0.processIdentifier = identifier }
        let reader = PipeReader(log)
        var rest: [UInt8] = []
        // The log ends when the server and all its backends have closed it.
        while let bytes = reader.next() {
            rest += bytes
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                note(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeFirst(end + 1)
            }
        }
        process.waitUntilExit()
        change { $0.isOver = true }
    }

    private func note(_ line: String) {
        change { state in
            state.log.append(line)
            if state.log.count > 200 { state.log.removeFirst(100) }
            if line.hasSuffix("database system is ready to accept connections") { state.isReady = true }
        }
    }

    private func change(_ body: (inout sending State) -> Void) {
        state.withLock { body(&$0) }
        condition.withLock { condition.broadcast() }
    }

    private func wait(until holds: (State) -> Bool) {
        condition.withLock {
            while !state.withLock({ holds($0) }) { condition.wait() }
        }
    }
}
