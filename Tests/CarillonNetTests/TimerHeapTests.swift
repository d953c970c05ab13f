import Testing

@testable import CarillonNet

/// The heap against the obvious model: a list that is searched for its minimum.
@Suite struct TimerHeapTests {
    @Test(arguments: 0..<20)
    func firesInOrderAndForgetsWhatWasCancelled(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let heap = TimerHeap()
        var fired: [Int64] = []
        var model: [Int64] = []
        var timers: [LoopTimer] = []
        for _ in 0..<500 {
            let deadline = Int64.random(in: 0..<1000, using: &random)
            let timer = LoopTimer(deadline: MonotonicTime(nanoseconds: deadline), heap: heap) { fired.append(deadline) }
            heap.insert(timer)
            timers.append(timer)
            model.append(deadline)
        }
        for index in stride(from: 0, to: 500, by: 3) {
            timers[index].cancel()
            model[index] = -1
        }
        #expect(heap.next?.nanoseconds == model.filter { $0 >= 0 }.min())
        while let action = heap.popDue(at: MonotonicTime(nanoseconds: 600)) { action() }
        #expect(fired == model.filter { $0 >= 0 && $0 <= 600 }.sorted())
        #expect(heap.next?.nanoseconds == model.filter { $0 > 600 }.min())
        #expect(timers.filter(\.isPending).count == model.filter { $0 > 600 }.count)
    }

    @Test func cancellingTwiceOrAfterFiringIsHarmless() throws {
        let heap = TimerHeap()
        let timer = LoopTimer(deadline: MonotonicTime(nanoseconds: 5), heap: heap) {}
        heap.insert(timer)
        let action = try #require(heap.popDue(at: MonotonicTime(nanoseconds: 5)))
        action()
        timer.cancel()
        timer.cancel()
        #expect(heap.next == nil)
    }
}

/// A small generator with a seed, so that a failure can be repeated (Steele et al., "Fast splittable pseudorandom number
/// generators").
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
