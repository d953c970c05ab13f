import Storage
import Testing

@testable import carillon

@Suite("Progress")
struct ProgressTests {
    private static func line(
        _ done: Int, of total: Int = 2000, failed: Int = 0, after elapsed: Duration = .seconds(5)
    ) -> ProgressLine {
        ProgressLine(progress: ProgressCount(done: done, failed: failed, total: total), elapsed: elapsed)
    }

    @Test(
        "says what fits into the terminal",
        arguments: [
            (79, "migrating tenants [##########..........] 50 % 1000/2000 3 failed 200/s 5 s left"),
            (60, "migrating tenants 50 % 1000/2000 3 failed 200/s 5 s left"),
            (50, "migrating tenants 50 % 1000/2000 3 failed 200/s"),
            (44, "migrating tenants 50 % 1000/2000 3 failed"),
            (33, "migrating tenants 50 % 1000/2000"),
            (10, "migrating "), (0, ""),
        ])
    func fits(_ width: Int, _ text: String) {
        let shown = Self.line(1000, failed: 3).text(width: width)
        #expect(shown == text)
        #expect(shown.count <= width)
    }

    @Test("never takes more columns than there are", arguments: 0...120)
    func width(_ width: Int) {
        for done in [0, 1, 999, 2000] {
            #expect(Self.line(done, failed: done / 2, after: .seconds(100_000)).text(width: width).count <= width)
        }
    }

    @Test("tells the rate and what is left")
    func rates() {
        #expect(Self.line(0).text(width: 120).contains("left") == false)
        #expect(Self.line(1, after: .seconds(4)).text(width: 120).contains("0.3/s 2 h 13 min left"))
        #expect(Self.line(1900, after: .seconds(1900)).text(width: 120).contains("1.0/s 1 min 40 s left"))
        #expect(Self.line(2000).text(width: 120).hasSuffix("100 % 2000/2000 400/s"))
        #expect(Self.line(1999).percent == 99)
        #expect(Self.line(0, of: 0).percent == 100)
    }

    /// The lines that are shown of a thousand tenants, one each `pause`.
    private static func shown(_ medium: ProgressPace.Medium, each pause: Duration) -> [ProgressLine] {
        var pace = ProgressPace(medium)
        return (0...1000).map { line($0, of: 1000, after: pause * $0) }.filter { pace.isDue($0) }
    }

    @Test("draws a terminal at most ten times a second, the last line always")
    func terminal() {
        let lines = Self.shown(.terminal, each: .milliseconds(7))
        #expect(zip(lines, lines.dropFirst()).dropLast().allSatisfy { $1.elapsed - $0.elapsed >= .milliseconds(100) })
        #expect(lines.count > 60)
        #expect(lines.last?.progress.done == 1000)
    }

    @Test("logs each tenth, at most one line a second, and one each half minute")
    func log() {
        // A second for all: the first line and the last.
        #expect(Self.shown(.log, each: .milliseconds(1)).map(\.progress.done) == [0, 1000])
        // Ten seconds for a tenth: each tenth.
        let tenths = Self.shown(.log, each: .milliseconds(100)).map(\.progress.done)
        #expect(tenths == Array(stride(from: 0, through: 1000, by: 100)))
        // A quarter of an hour for a tenth: each half minute.
        let slow = Self.shown(.log, each: .seconds(9))
        #expect(zip(slow, slow.dropFirst()).allSatisfy { $1.elapsed - $0.elapsed <= .seconds(36) })
    }

    @Test("a line that says nothing new is not the last one twice")
    func end() {
        var pace = ProgressPace(.log)
        let answers = (1...3).map { _ in pace.isDue(Self.line(2000)) }
        #expect(answers == [true, false, false])
    }
}
