internal import Storage

/// When the next line is due.
struct ProgressPace: Sendable {
    /// What is written on.
    enum Medium: Sendable {
        /// A terminal, on which the line is drawn over: ten times a second.
        case terminal
        /// A log: a line for each tenth and each half minute, not more than one a second.
        case log
    }

    private let medium: Medium
    private var last: ProgressLine?

    init(_ medium: Medium) {
        self.medium = medium
    }

    /// Whether a line is due. The last one always is, and the first.
    mutating func isDue(_ line: ProgressLine) -> Bool {
        guard let last else {
            self.last = line
            return true
        }
        let pause = line.elapsed - last.elapsed
        let isEnd = line.progress.done == line.progress.total && line.progress != last.progress
        let isDue =
            switch medium {
            case .terminal: pause >= .milliseconds(100)
            case .log:
                line.percent / 10 > last.percent / 10 && pause >= .seconds(1) || pause >= .seconds(30)
            }
        guard isDue || isEnd else { return false }
        self.last = line
        return true
    }
}
