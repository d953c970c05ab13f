/// Prometheus' text format, version 0.0.4.
struct TextFormat {
    /// What is sent as `content-type`.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var octets: [UInt8] = []

    /// Writes what is said of a family.
    mutating func describe(_ family: MetricFamily) {
        write("# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n")
        write("# TYPE \(family.name) \(family.kind.rawValue)\n")
    }

    /// Writes a series.
    ///
    /// - Parameter labels: as ``labels(_:_:)`` writes them.
    mutating func write(_ family: MetricFamily, _ labels: String, _ value: MetricValue) {
        switch value {
        case .whole(let number): line(family.name, labels, String(number))
        case .number(let number): line(family.name, labels, Self.text(of: number))
        case .histogram(let histogram):
            var sum = 0
            let separator = labels.isEmpty ? "" : ","
            for (place, count) in histogram.counts.enumerated() {
                sum += count
                let bound = place < family.bounds.count ? Self.text(of: family.bounds[place]) : "+Inf"
                line(family.name + "_bucket", "\(labels)\(separator)le=\"\(bound)\"", String(sum))
            }
            line(family.name + "_sum", labels, Self.text(of: histogram.sum))
            line(family.name + "_count", labels, String(sum))
        }
    }

    /// Labels with their values, without braces; as many as there are of both.
    static func labels(_ names: [String], _ values: [String]) -> String {
        zip(names, values).map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        write(labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n")
    }

    private mutating func write(_ text: String) { octets.append(contentsOf: text.utf8) }

    /// A number as Go reads it.
    private static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        return number.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
