import CarillonNet
import Synchronization
import Testing

@testable import CarillonGRPC

@Suite struct MemoryKeeperTests {
    /// Shows a keeper one load after the other, and returns how often memory was given back.
    private func timesGivenBack(_ loads: [(current: Int, over: Int)]) async -> Int {
        let loop = EventLoop(name: "memory")
        // The first is what it sees when it is made.
        let look = Atomic<Int>(-1)
        let given = Atomic<Int>(0)
        let (ends, end) = AsyncStream<Void>.makeStream()
        let keeper = await loop.run {
            MemoryKeeper(
                loop: loop, pause: .microseconds(1),
                load: {
                    let number = look.add(1, ordering: .relaxed).newValue
                    if number >= loads.count { end.finish() }
                    let load = loads[min(number, loads.count - 1)]
                    // Behind the last it is busy and steady, until it is stopped.
                    return MemoryKeeper.Load(
                        current: load.current, over: load.over + max(0, number - loads.count + 1))
                },
                giveBack: { given.add(1, ordering: .relaxed) })
        }
        for await _ in ends {}
        await loop.run { keeper.stop() }
        // Ends after what it has offloaded.
        await loop.shutDown()
        return given.load(ordering: .relaxed)
    }

    @Test func callsThatNeverBeganAreNoLoad() {
        let counters = ServerCounters()
        counters.connectionOpened()
        counters.callStarted()
        for _ in 0..<5 { counters.callTurnedDown(.unimplemented) }
        #expect(counters.load == MemoryKeeper.Load(current: 2, over: 5))
        counters.callEnded(.ok)
        counters.connectionClosed(.finished)
        #expect(counters.load == MemoryKeeper.Load(current: 0, over: 7))
    }

    @Test func nothingThatIsOverIsNothingToGiveBack() async {
        #expect(await timesGivenBack(Array(repeating: (500, 0), count: 30)) == 0)
    }

    @Test func aSteadyLoadKeepsItsMemory() async {
        let loads = (0..<60).map { (current: 800 + $0 % 3 * 100, over: $0 * 1000) }
        #expect(await timesGivenBack(loads) == 0)
    }

    @Test func aFallGivesBackOnce() async {
        let loads = (0..<60).map { (current: $0 < 20 ? 1000 : 400, over: $0 * 10) }
        #expect(await timesGivenBack(loads) == 1)
    }

    @Test func quietGivesBackOnce() async {
        let loads = (0..<60).map { (current: 3, over: min($0, 10)) }
        #expect(await timesGivenBack(loads) == 1)
    }

    @Test func itRestsBetweenOneTimeAndTheNext() async {
        let loads = (0..<21).map { (current: $0 % 2 * 2000, over: $0 * 10) }
        let count = await timesGivenBack(loads)
        #expect(count >= 2 && count <= 6, "\(count)")
    }
}
