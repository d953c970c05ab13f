import Foundation
import Prometheus
import Testing

@testable import carillon

@Suite("The page about metrics")
struct MetricPageTests {
    /// The rows of the table in the page, in order.
    private static func rows() throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        let page = root.appending(path: "Sources/carillon/carillon.docc/Metrics.md")
        let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").map(String.init)
        return lines.filter { $0.hasPrefix("| `") }
    }

    @Test("It has a row for each metric, with its kind, its labels and its meaning")
    func table() throws {
        var families = MetricCatalog.families
        families.append(
            MetricFamily(
                MetricRegistry.droppedName, .counter,
                "Uses of metrics that are not kept: beyond the limits, or not as they were described."))
        let expected = families.map { family in
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |"
        }
        #expect(try Self.rows() == expected, "\n\(expected.joined(separator: "\n"))")
    }

    @Test("No label could hold what comes from outside")
    func labels() {
        let known: Set<String> = [
            "where", "verdict", "reason", "channel", "to", "method", "code", "cause", "outcome", "login", "version",
        ]
        #expect(Set(MetricCatalog.families.flatMap(\.labels)) == known)
    }
}
