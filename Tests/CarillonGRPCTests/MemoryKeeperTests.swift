import CarillonNet
import Synchronization
import Testing

@testable import CarillonGRPC

@Suite struct MemoryKeeperTests {
    /// What the keeper saw and did.
    private final class Record: Sendable {
        let looks = Atomic<Int>(0)
        /// How many looks there had been each time memory was given back.
        let given = Mutex<[Int]>([])
    }

    @Test func givesBackOnceWhenSomethingIsOver() async {
        let loop = EventLoop(name: "memory")
        let record = Record()
        let (ends, end) = AsyncStream<Void>.makeStream()
        let keeper = await loop.run {
            MemoryKeeper(
                loop: loop, pause: .milliseconds(1),
                ended: {
                    let look = record.looks.add(1, ordering: .relaxed).newValue
                    let hasGiven = record.given.withLock { !$0.isEmpty }
                    if hasGiven, look > 20 { end.finish() }
                    return look < 10 ? 0 : 1
                },
                giveBack: { record.given.withLock { $0.append(record.looks.load(ordering: .relaxed)) } })
        }
        for await _ in ends {}
        await loop.run { keeper.stop() }
        await loop.shutDown()
        let given = record.given.withLock { $0 }
        #expect(given.count == 1)
        #expect(given.allSatisfy { $0 >= 10 }, "it gave back before anything was over")
    }
}
