import CarillonNet
import Testing

@testable import carillon

@Suite("The budget of lines")
struct LineBudgetTests {
    private static func time(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

    @Test("lets the first lines of each kind through and counts the rest")
    func counting() {
        var budget = LineBudget()
        for kind in ["a", "b"] {
            let taken = (0..<12).map { _ in budget.takes(kind, now: Self.time(1)) }
            #expect(taken == [Bool](repeating: true, count: 5) + [Bool](repeating: false, count: 7))
        }
        #expect(collect(&budget, 60) == [:])
        #expect(collect(&budget, 61) == ["a": 7, "b": 7])
        // The next window.
        let isTaken = budget.takes("a", now: Self.time(62))
        #expect(isTaken)
        #expect(collect(&budget, 200) == [:])
    }

    @Test("loses no count when it is collected late, or at the end")
    func late() {
        var budget = LineBudget()
        for second in 0..<100 { _ = budget.takes("a", now: Self.time(Int64(second))) }
        #expect(collect(&budget, 300) == ["a": 95])
        for _ in 0..<6 { _ = budget.takes("b", now: Self.time(300)) }
        #expect(collect(&budget, 300) == [:])
        #expect(collect(&budget, 300, all: true) == ["b": 1])
        #expect(collect(&budget, 300, all: true) == [:])
    }

    @Test("knows a bounded number of kinds")
    func kinds() {
        var budget = LineBudget()
        var written = 0
        for number in 0..<10_000 where budget.takes("kind \(number)", now: Self.time(0)) { written += 1 }
        #expect(written == LineBudget.kinds + LineBudget.linesInWindow)
        #expect(collect(&budget, 60) == [LineBudget.otherKind: 10_000 - written])
    }

    private func collect(_ budget: inout LineBudget, _ seconds: Int64, all: Bool = false) -> [String: Int] {
        let counts = budget.collect(now: Self.time(seconds), all: all)
        return Dictionary(uniqueKeysWithValues: counts.map { ($0.kind, $0.suppressed) })
    }
}
