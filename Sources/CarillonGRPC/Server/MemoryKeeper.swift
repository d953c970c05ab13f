internal import CarillonNet

/// Sees to it that what connections and calls needed goes back to the system when they are over.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class MemoryKeeper: @unchecked Sendable {
    private let loop: EventLoop
    private let pause: Duration
    private let ended: () -> Int
    private let giveBack: @Sendable () -> Void
    private var seen: Int
    private var timer: LoopTimer?

    /// Begins to look after the memory.
    ///
    /// - Parameters:
    ///   - pause: how long after one look the next comes.
    ///   - ended: how many connections and calls are over; as long as it stays the same there is nothing to give back.
    ///   - giveBack: does it; runs on a thread of the pool.
    init(
        loop: EventLoop, pause: Duration, ended: @escaping () -> Int,
        giveBack: @escaping @Sendable () -> Void = FreeMemory.giveBack
    ) {
        self.loop = loop
        self.pause = pause
        self.ended = ended
        self.giveBack = giveBack
        seen = ended()
        FreeMemory.bound()
        wait()
    }

    /// Ends it.
    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func wait() {
        timer = loop.schedule(after: pause) { self.look() }
    }

    private func look() {
        wait()
        let now = ended()
        guard now != seen else { return }
        seen = now
        let (loop, giveBack) = (self.loop, self.giveBack)
        loop.spawn { try? await loop.offload(giveBack) }
    }
}
