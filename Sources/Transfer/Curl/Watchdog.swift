internal import CarillonNet

/// Says when something has been silent for too long. Confined to its loop's thread.
///
/// A touch only notes the time; the timer looks at it when it fires and, if need be, sleeps on. So a busy connection does
/// not move timers about for each of its events.
final class Watchdog {
    private let loop: EventLoop
    private let onSilence: () -> Void
    private var limit: Duration = .zero
    private var touched: MonotonicTime
    private var timer: LoopTimer?

    /// Makes a watchdog that is asleep.
    init(loop: EventLoop, onSilence: @escaping () -> Void) {
        self.loop = loop
        self.onSilence = onSilence
        touched = loop.now
    }

    /// Begins to watch, or goes on with another limit.
    func start(_ limit: Duration) {
        self.limit = limit
        touched = loop.now
        let deadline = touched.advanced(by: limit)
        if let timer, timer.isPending, timer.deadline <= deadline { return }
        arm(at: deadline)
    }

    /// Takes note of a sign of life.
    func touch() {
        touched = loop.now
    }

    /// Goes to sleep.
    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func arm(at deadline: MonotonicTime) {
        timer?.cancel()
        timer = loop.schedule(at: deadline) { [weak self] in self?.look() }
    }

    private func look() {
        let deadline = touched.advanced(by: limit)
        if deadline <= loop.now {
            timer = nil
            onSilence()
        } else {
            arm(at: deadline)
        }
    }
}
