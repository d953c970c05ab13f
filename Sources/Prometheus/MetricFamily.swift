/// What is said of all series of one name: what they mean, and which labels tell them apart.
package struct MetricFamily: Sendable, Hashable {
    /// What a series of the family is.
    package enum Kind: String, Sendable, Hashable {
        /// A number that only grows.
        case counter
        /// A number that comes and goes.
        case gauge
        /// How many observations were no greater than each of some bounds, and their sum.
        case histogram
    }

    /// The name, as Prometheus has it: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    package let name: String
    /// What its series are.
    package let kind: Kind
    /// What it tells, as one sentence for whoever operates the service.
    package let help: String
    /// The names of its labels, in the order in which they are written. A series has all of them.
    package let labels: [String]
    /// The upper bounds of a histogram's buckets, rising; empty for other kinds. The last bucket, without a bound, is added.
    package let bounds: [Double]

    /// The most bounds that a histogram may have.
    package static let mostBounds = 23
    /// Bounds for times in seconds, from a millisecond to ten seconds.
    package static let seconds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// Describes a family. Names that Prometheus would not take, and bounds that do not rise, are mistakes of the program and trap.
    package init(_ name: String, _ kind: Kind, _ help: String, labels: [String] = [], bounds: [Double] = []) {
        precondition(MetricName.isValid(name), "\(name) is no name of a metric")
        precondition(labels.allSatisfy(MetricName.isValidLabel), "\(name) has a label that is none")
        precondition(bounds.count <= Self.mostBounds, "\(name) has too many bounds")
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<), "the bounds of \(name) do not rise")
        precondition(kind == .histogram || bounds.isEmpty, "\(name) is no histogram and has bounds")
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.bounds = kind == .histogram && bounds.isEmpty ? Self.seconds : bounds
    }
}

/// The names that Prometheus takes.
enum MetricName {
    static func isValid(_ name: String) -> Bool {
        isName(name) { $0 == UInt8(ascii: ":") }
    }

    /// Whether it is the name of a label. Those that begin with two underscores are Prometheus' own, and `le` is the bound of
    /// a bucket.
    static func isValidLabel(_ name: String) -> Bool {
        isName(name) { _ in false } && !name.hasPrefix("__") && name != "le"
    }

    /// The nearest name to one that somebody else has chosen, such as `http.requests`.
    static func sanitized(_ name: String) -> String {
        let kept = name.utf8.map { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: ":") ? $0 : UInt8(ascii: "_") }
        let text = String(decoding: kept, as: UTF8.self)
        return kept.first.map(isDigit) ?? true ? "_" + text : text
    }

    private static func isName(_ name: String, _ isAllowed: (UInt8) -> Bool) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || isAllowed($0) }
    }

    private static func isLetter(_ octet: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet)
            || octet == UInt8(ascii: "_")
    }

    private static func isDigit(_ octet: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) }
}
