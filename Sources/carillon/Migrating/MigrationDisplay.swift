internal import Domain
internal import Foundation
internal import Logging
internal import Postgres
internal import Storage
internal import Synchronization

/// Shows how a migration goes: a bar on a terminal, lines of the log elsewhere. Any thread.
final class MigrationDisplay: Sendable {
    private struct State {
        var pace: ProgressPace
        var line: ProgressLine?
        var isDrawn = false
    }

    private let level: Logger.Level
    private let isTerminal: Bool
    private let beginning = ContinuousClock.now
    private let state: Mutex<State>
    private let plainLog: Logger

    /// A display on the standard error.
    init(level: Logger.Level, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.level = level
        // A dumb terminal cannot go back to the beginning of a line.
        isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] ?? "dumb" != "dumb"
        state = Mutex(State(pace: ProgressPace(isTerminal ? .terminal : .log)))
        plainLog = Logger.lines(level: level)
    }

    /// The log, whose lines stand above the bar.
    var log: Logger {
        guard isTerminal else { return plainLog }
        let level = level
        return Logger(label: "carillon") { _ in
            LineLogHandler(level: level) { line in self.write(above: line) }
        }
    }

    /// Takes note of what a migration tells.
    func note(_ event: MigrationEvent) {
        switch event {
        case .progress(let progress): update { $0.line = ProgressLine(progress: progress, elapsed: self.elapsed) }
        case .failed(let tenant, let error):
            // With the server's own words: a migration's statements hold no data of tenants.
            let why = error.cause?.debugDescription ?? error.description
            if isTerminal {
                write(above: "carillon: \(tenant.rawValue) could not be migrated: \(why)\n")
            } else {
                plainLog.error(
                    "a tenant could not be migrated", metadata: ["tenant": "\(tenant.rawValue)", "error": "\(why)"])
            }
        case .contracting(let servesFrom, let notice):
            let seconds = notice.components.seconds
            if isTerminal {
                write(
                    above: "carillon: programs before schema version \(servesFrom) end now; waiting \(seconds) s\n")
            } else {
                plainLog.notice(
                    "older programs end now",
                    metadata: ["serves_from": .stringConvertible(servesFrom), "waits_s": .stringConvertible(seconds)])
            }
        }
    }

    /// Says something above the bar, for a person.
    func say(_ text: String) {
        if isTerminal { write(above: text + "\n") } else { plainLog.notice("\(text)") }
    }

    /// Shows that time goes by although nothing happens. To be called about once a second.
    func tick() {
        update { state in
            guard let progress = state.line?.progress, progress.done < progress.total else { return }
            state.line = ProgressLine(progress: progress, elapsed: self.elapsed)
        }
    }

    /// Leaves the bar as it is and goes to the next line.
    func end() {
        state.withLock { state in
            guard isTerminal, let line = state.line, line.progress.total > 0 else { return }
            draw(line)
            Console.show("\n")
            (state.line, state.isDrawn) = (nil, false)
        }
    }

    private var elapsed: Duration { .now - beginning }

    private func update(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            guard let line = state.line, line.progress.total > 0, state.pace.isDue(line) else { return }
            if isTerminal {
                draw(line)
                state.isDrawn = true
            } else {
                report(line)
            }
        }
    }

    private func report(_ line: ProgressLine) {
        var metadata: Logger.Metadata = [
            "done": .stringConvertible(line.progress.done), "total": .stringConvertible(line.progress.total),
            "failed": .stringConvertible(line.progress.failed), "percent": .stringConvertible(line.percent),
        ]
        if let rate = line.rate { metadata["per_s"] = .stringConvertible((rate * 10).rounded() / 10) }
        if let remaining = line.remaining { metadata["remaining_s"] = .stringConvertible(remaining) }
        plainLog.notice("migrating tenants", metadata: metadata)
    }

    private func draw(_ line: ProgressLine) {
        // A line that fills the terminal would begin a new one on some.
        Console.show("\r\(line.text(width: TerminalWidth.current(of: STDERR_FILENO) - 1))\u{1B}[K")
    }

    private func write(above text: String) {
        state.withLock { state in
            Console.show(state.isDrawn ? "\r\u{1B}[K\(text)" : text)
            if state.isDrawn, let line = state.line { draw(line) }
        }
    }
}
