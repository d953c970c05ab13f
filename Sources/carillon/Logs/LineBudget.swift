internal import CarillonNet

/// How many lines of each kind the log takes, so that what strangers do cannot fill it: a scan of the port is a few lines and
/// a count. Time is handed in.
///
/// For each kind: the first lines of a window are written, further ones are counted, and the count is told when the window
/// is over. Kinds are bounded too; what is beyond shares one.
struct LineBudget {
    /// How long a window is.
    static let window: Duration = .seconds(60)
    /// Lines of one kind that are written in a window.
    static let linesInWindow = 5
    /// Kinds that are told apart at once.
    static let kinds = 32
    /// The kind of all that is beyond those.
    static let otherKind = "other"

    private struct Window {
        let end: MonotonicTime
        var written = 0
        var suppressed = 0
    }
    private var windows: [String: Window] = [:]

    /// Whether a line of this kind is written.
    mutating func takes(_ kind: String, now: MonotonicTime) -> Bool {
        let kind = windows[kind] == nil && windows.count >= Self.kinds ? Self.otherKind : kind
        // A window that is over and not collected yet goes on counting: nothing is lost between two collections.
        var window = windows[kind] ?? Window(end: now.advanced(by: Self.window))
        defer { windows[kind] = window }
        guard window.written < Self.linesInWindow else {
            window.suppressed += 1
            return false
        }
        window.written += 1
        return true
    }

    /// Ends the windows that are over, or all of them, and gives back how many lines of each kind were not written.
    mutating func collect(now: MonotonicTime, all: Bool = false) -> [(kind: String, suppressed: Int)] {
        let over = windows.filter { all || $0.value.end <= now }
        for kind in over.keys { windows[kind] = nil }
        return over.filter { $0.value.suppressed > 0 }.map { ($0.key, $0.value.suppressed) }.sorted { $0.0 < $1.0 }
    }
}
