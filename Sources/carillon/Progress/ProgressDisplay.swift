internal import Foundation
internal import Logging
internal import Storage
internal import Synchronization

/// Shows how long work goes, such as a migration: a bar on a terminal, lines of the log elsewhere. Any thread.
final class ProgressDisplay: Sendable {
    private struct State {
        var pace: ProgressPace
        var line: ProgressLine?
        var isDrawn = false
    }

    private let subject: String
    private let level: Logger.Level
    private let isTerminal: Bool
    private let beginning = ContinuousClock.now
    private let state: Mutex<State>
    private let plainLog: Logger

    /// A display on the standard error.
    ///
    /// - Parameter subject: what is done, in two words or three.
    init(
        _ subject: String = "migrating tenants", level: Logger.Level,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.subject = subject
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

    /// Shows how far it is.
    func show(_ progress: ProgressCount) {
        update { $0.line = ProgressLine(subject: self.subject, progress: progress, elapsed: self.elapsed) }
    }

    /// Says something of one tenant, or of others than the bar is about: a sentence on a terminal, a line with fields elsewhere.
    func report(
        _ level: Logger.Level, _ sentence: String, _ message: Logger.Message, _ metadata: Logger.Metadata
    ) {
        if isTerminal {
            write(above: "carillon: \(sentence)\n")
        } else {
            plainLog.log(level: level, message, metadata: metadata)
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
            state.line = ProgressLine(subject: self.subject, progress: progress, elapsed: self.elapsed)
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
        plainLog.notice("\(subject)", metadata: metadata)
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
