import CarillonNet
import Testing

@testable import Postgres

/// How many connections share the units.
@Suite struct PoolWidthTests {
    /// A width with its own clock.
    private final class Run {
        var width: PoolWidth
        var now = MonotonicTime.current

        init(most: Int) { width = PoolWidth(most: most) }

        /// Counts units, of which each finds so many ahead of it, evenly over the time; says where the width went.
        func units(_ count: Int, ahead: Int, over time: Duration) -> [Int] {
            var widths: [Int] = []
            for _ in 0..<count {
                now = now.advanced(by: time / count)
                if width.count(ahead: ahead, at: now) { widths.append(width.width) }
            }
            return widths
        }

        /// A minute is over.
        func narrow() -> Bool { width.narrow() }
    }

    /// A pool of which all connections share the units, at the beginning of a minute.
    private func wide(_ most: Int) -> Run {
        let run = Run(most: most)
        _ = run.units(10_000, ahead: 100, over: .seconds(10))
        _ = run.narrow()
        #expect(run.width.width == most)
        return run
    }

    @Test func unitsThatComeAloneHaveOneConnection() {
        let run = Run(most: 4)
        #expect(run.units(10_000, ahead: 0, over: .seconds(10)) == [])
        #expect(run.width.width == 1)
    }

    @Test(arguments: [(1, []), (2, [2]), (3, [2, 3]), (4, [2, 4]), (6, [2, 4, 6])])
    func unitsThatWaitForOthersHaveMore(most: Int, widths: [Int]) {
        let run = Run(most: most)
        #expect(run.units(10_000, ahead: 10, over: .seconds(10)) == widths)
    }

    /// One ahead for each connection is not too many.
    @Test(arguments: [(1, []), (2, [2]), (3, [2, 4]), (4, [2, 4]), (5, [2, 4, 8])])
    func noMoreThanAreNeeded(ahead: Int, widths: [Int]) {
        let run = Run(most: 8)
        #expect(run.units(1000, ahead: ahead, over: .seconds(1)) == widths)
    }

    @Test func fewUnitsOrAMomentSayNothing() {
        var run = Run(most: 4)
        #expect(run.units(31, ahead: 10, over: .seconds(10)) == [])
        run = Run(most: 4)
        #expect(run.units(1000, ahead: 10, over: .milliseconds(99)) == [])
        #expect(run.units(1, ahead: 10, over: .milliseconds(2)) == [2])
        // The time before the first of them does not count.
        run = Run(most: 4)
        #expect(run.units(32, ahead: 0, over: .seconds(1)) == [])
        run.now = run.now.advanced(by: .seconds(60))
        #expect(run.units(100, ahead: 10, over: .milliseconds(50)) == [])
    }

    @Test(arguments: [(4, [2, 1]), (3, [2, 1]), (6, [4, 2, 1]), (64, [32, 16, 8, 4, 2, 1])])
    func eachMinuteWithLittleToDoHalvesIt(most: Int, widths: [Int]) {
        let run = wide(most)
        for width in widths {
            _ = run.units(100, ahead: 0, over: .seconds(60))
            #expect(run.narrow())
            #expect(run.width.width == width)
        }
        #expect(!run.narrow())
    }

    /// What came alone before several shared says nothing about the minute since.
    @Test func aLongCalmBeforeDoesNotCount() {
        let run = Run(most: 4)
        #expect(run.units(100_000, ahead: 0, over: .seconds(1000)) == [])
        #expect(run.units(1000, ahead: 10, over: .seconds(1)) == [2, 4])
        #expect(!run.narrow())
        #expect(run.width.width == 4)
    }

    @Test func aMinuteWithoutUnitsDoesToo() {
        let run = wide(4)
        #expect(run.narrow() && run.narrow())
        #expect(run.width.width == 1)
    }

    /// A quarter of one ahead for each connection is what half of them would do, with twice as much.
    @Test(arguments: [(4, 1, false), (2, 1, false), (4, 0, true), (8, 1, true), (8, 2, false)])
    func whatFewerWouldDo(most: Int, ahead: Int, isHalved: Bool) {
        let run = wide(most)
        _ = run.units(1000, ahead: ahead, over: .seconds(60))
        #expect(run.narrow() == isHalved)
    }

    @Test func aDoublingMovesHalfOfTheAffinities() {
        let run = Run(most: 4)
        let one = (0..<1000).map { run.width.home(of: $0) }
        _ = run.units(100, ahead: 2, over: .seconds(1))
        let two = (0..<1000).map { run.width.home(of: $0) }
        _ = run.units(100, ahead: 9, over: .seconds(1))
        let four = (0..<1000).map { run.width.home(of: $0) }
        #expect(Set(one) == [0] && Set(two) == [0, 1] && Set(four) == [0, 1, 2, 3])
        #expect(zip(two, four).allSatisfy { $0 == $1 % 2 })
        for place in 0..<4 { #expect((200...300).contains(four.count { $0 == place })) }
    }

    /// Those that share the units have the statements of all; the others few.
    @Test func statementsAreShared() {
        let run = Run(most: 4)
        func shares(_ each: Int) -> [Int] { (0..<4).map { run.width.statements(of: $0, each: each) } }
        #expect(shares(4096) == [16_384, 512, 512, 512])
        #expect(shares(16) == [64, 32, 32, 32])
        // One backend may not hold any number.
        #expect(shares(16_384) == [32_768, 2048, 2048, 2048])
        _ = run.units(100, ahead: 2, over: .seconds(1))
        #expect(shares(4096) == [8192, 8192, 512, 512])
        _ = run.units(100, ahead: 9, over: .seconds(1))
        #expect(shares(4096) == [4096, 4096, 4096, 4096])
    }
}
