internal import CarillonNet

/// Sees to it that what connections and calls needed goes back to the system when they are over: when there are far fewer of
/// them than there were, or when nothing happens any more. Under a steady load nothing is given back that is needed again.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class MemoryKeeper: @unchecked Sendable {
    /// How much there is to do, and was.
    struct Load: Equatable {
        /// Connections that are open, and calls that are under way.
        var current = 0
        /// Connections and calls that are over.
        var over = 0

        static func += (sum: inout Load, part: Load) {
            sum.current += part.current
            sum.over += part.over
        }
    }

    /// How many fewer there must be at the least, beside half of what there was.
    private static let leastFall = 256
    /// Looks between one time and the next, since it holds up whoever asks for memory.
    private static let rest = 4

    private let loop: EventLoop
    private let pause: Duration
    private let load: () -> Load
    private let giveBack: @Sendable () -> Void
    private var timer: LoopTimer?
    private var last: Load
    /// The most that there was since memory was given back.
    private var peak = 0
    /// Whether anything has come to its end since then.
    private var isOwing = false
    private var looksToRest = 0

    /// Begins to look after the memory.
    ///
    /// - Parameters:
    ///   - pause: how long after one look the next comes.
    ///   - giveBack: does it; runs on a thread of the pool.
    init(
        loop: EventLoop, pause: Duration, load: @escaping () -> Load,
        giveBack: @escaping @Sendable () -> Void = FreeMemory.giveBack
    ) {
        self.loop = loop
        self.pause = pause
        self.load = load
        self.giveBack = giveBack
        last = load()
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
        let now = load()
        let isQuiet = now == last
        if now.over != last.over { isOwing = true }
        last = now
        peak = max(peak, now.current)
        if looksToRest > 0 {
            looksToRest -= 1
            return
        }
        let fall = peak - now.current
        guard isOwing, isQuiet || fall >= max(Self.leastFall, peak / 2) else { return }
        isOwing = false
        peak = now.current
        looksToRest = Self.rest
        let (loop, giveBack) = (self.loop, self.giveBack)
        loop.spawn { try? await loop.offload(giveBack) }
    }
}
