internal import Storage

/// How far long work is, in one line.
struct ProgressLine: Sendable, Hashable {
    /// What is done.
    var subject = "migrating tenants"
    /// How far it is.
    var progress: ProgressCount
    /// How long it has taken until now.
    var elapsed: Duration

    /// How many a second, from the beginning; nil before there is one.
    var rate: Double? {
        let seconds = elapsed / .seconds(1)
        guard progress.done > 0, seconds > 0 else { return nil }
        return Double(progress.done) / seconds
    }

    /// Seconds until the end at this rate, rounded up; nil if nobody can tell.
    var remaining: Int? {
        rate.map { Int((Double(progress.total - progress.done) / $0).rounded(.up)) }
    }

    /// 0 to 100; 100 only at the end.
    var percent: Int { progress.total == 0 ? 100 : progress.done * 100 / progress.total }

    /// The line with a bar that takes what room is left, in at most `width` columns. What matters least goes first: the
    /// time, the rate, the bar.
    func text(width: Int) -> String {
        let count = "\(progress.done)/\(progress.total)"
        var parts = [subject, "\(percent) %", count]
        if progress.failed > 0 { parts.append("\(progress.failed) failed") }
        if let rate { parts.append("\(Self.number(rate))/s") }
        if let remaining, progress.done < progress.total { parts.append("\(Self.span(remaining)) left") }
        while parts.count > 3, parts.joined(separator: " ").count > width { parts.removeLast() }
        let text = parts.joined(separator: " ")
        // With the brackets and a space.
        let room = min(40, width - text.count - 3)
        guard room >= 5 else { return String(text.prefix(max(0, width))) }
        let filled = progress.total == 0 ? room : progress.done * room / progress.total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
        return ([parts[0], "[\(bar)]"] + parts.dropFirst()).joined(separator: " ")
    }

    private static func number(_ rate: Double) -> String {
        rate < 10 ? String((rate * 10).rounded() / 10) : String(Int(rate.rounded()))
    }

    private static func span(_ seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        }
    }
}
