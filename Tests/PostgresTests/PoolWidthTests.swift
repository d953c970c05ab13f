import CarillonNet
import Testing

@testable import Postgres

/// Over how many connections units are spread.
@Suite struct PoolWidthTests {
    /// A width with its own clock.
    private struct Run {
        var width: PoolWidth
        var now = MonotonicTime.current

        init(most: Int) { width = PoolWidth(most: most, at: now) }

        /// Counts units, of which each finds so many before it, evenly over the time; says where the width went.
        mutating func units(_ count: Int, ahead: Int, over time: Duration) -> [Int] {
            var widths: [Int] = []
            for _ in 0..<count {
                now = now.advanced(by: time / count)
                if width.count(ahead: ahead, at: now) { widths.append(width.width) }
            }
            return widths
        }
    }

    @Test func unitsThatComeAloneHaveOneConnection() {
        var run = Run(most: 4)
        #expect(run.units(10_000, ahead: 0, over: .seconds(10)) == [])
        #expect(run.width.width == 1)
    }

    @Test(arguments: [(1, []), (2, [2]), (3, [2, 3]), (4, [2, 4]), (6, [2, 4, 6])])
    func unitsThatWaitForOthersHaveMore(most: Int, widths: [Int]) {
        var run = Run(most: most)
        #expect(run.units(10_000, ahead: 10, over: .seconds(10)) == widths)
    }

    /// One more than there are connections for each unit is no more than they can do.
    @Test func noMoreThanAreNeeded() {
        var run = Run(most: 8)
        #expect(run.units(1000, ahead: 2, over: .seconds(1)) == [2])
    }

    @Test func fewUnitsOrAMomentSayNothing() {
        var run = Run(most: 4)
        #expect(run.units(31, ahead: 10, over: .seconds(10)) == [])
        run = Run(most: 4)
        #expect(run.units(1000, ahead: 10, over: .milliseconds(99)) == [])
        #expect(run.units(1, ahead: 10, over: .milliseconds(2)) == [2])
    }

    @Test(arguments: [(4, [2, 1]), (3, [2, 1]), (6, [4, 2, 1])])
    func aMinuteWithLittleToDoHalvesIt(most: Int, widths: [Int]) {
        var run = Run(most: most)
        _ = run.units(10_000, ahead: 10, over: .seconds(10))
        #expect(run.units(5900, ahead: 0, over: .seconds(59)) == [])
        #expect(run.units(30_000, ahead: 0, over: .seconds(300)) == widths)
    }

    /// What keeps half of the connections busy keeps them all.
    @Test func someWorkInBetweenKeepsIt() {
        var run = Run(most: 4)
        _ = run.units(10_000, ahead: 10, over: .seconds(10))
        for _ in 0..<10 {
            #expect(run.units(4000, ahead: 0, over: .seconds(40)) == [])
            #expect(run.units(100, ahead: 1, over: .seconds(1)) == [])
        }
        #expect(run.width.width == 4)
    }

    @Test func aDoublingMovesHalfOfTheAffinities() {
        var run = Run(most: 4)
        let one = (0..<1000).map { run.width.home(of: $0) }
        _ = run.units(100, ahead: 2, over: .seconds(1))
        let two = (0..<1000).map { run.width.home(of: $0) }
        _ = run.units(100, ahead: 9, over: .seconds(1))
        let four = (0..<1000).map { run.width.home(of: $0) }
        #expect(Set(one) == [0] && Set(two) == [0, 1] && Set(four) == [0, 1, 2, 3])
        #expect(zip(two, four).allSatisfy { $0 == $1 % 2 })
        for place in 0..<4 { #expect((200...300).contains(four.count { $0 == place })) }
    }
}
