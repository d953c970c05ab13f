/// A one-shot timer of an event loop. Confined to its loop's thread.
///
/// Dropping the last reference does not cancel it: the loop keeps a pending timer alive.
package final class LoopTimer {
    /// When the action runs, at the earliest.
    package let deadline: MonotonicTime
    /// What to do; `nil` once it ran or was cancelled.
    fileprivate(set) var action: (() -> Void)?
    /// Place in the heap; -1 when it is not in it.
    fileprivate var index = -1
    private unowned let heap: TimerHeap

    init(deadline: MonotonicTime, heap: TimerHeap, action: @escaping () -> Void) {
        self.deadline = deadline
        self.heap = heap
        self.action = action
    }

    /// Whether the action is still to run.
    package var isPending: Bool { index >= 0 }

    /// Takes the timer out; its action will not run. Harmless when it ran already.
    package func cancel() {
        guard isPending else { return }
        heap.remove(self)
        action = nil
    }

    fileprivate func takeAction() -> (() -> Void)? {
        defer { action = nil }
        return action
    }
}

/// Binary min-heap of timers that know their place, so that cancelling one costs O(log n) and leaves nothing
/// behind: most timers here are call deadlines, which are cancelled far more often than they fire.
final class TimerHeap {
    private var timers: [LoopTimer] = []

    /// The earliest deadline, if any timer is pending.
    var next: MonotonicTime? { timers.first?.deadline }

    func insert(_ timer: LoopTimer) {
        timer.index = timers.count
        timers.append(timer)
        siftUp(timer.index)
    }

    func remove(_ timer: LoopTimer) {
        let index = timer.index
        precondition(index >= 0 && timers[index] === timer, "the timer is not in this heap")
        let last = timers.removeLast()
        timer.index = -1
        guard last !== timer else { return }
        timers[index] = last
        last.index = index
        siftDown(index)
        siftUp(last.index)
    }

    /// Takes out the earliest timer if its time has come, and returns its action.
    func popDue(at now: MonotonicTime) -> (() -> Void)? {
        guard let first = timers.first, first.deadline <= now else { return nil }
        remove(first)
        return first.takeAction()
    }

    private func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard timers[index].deadline < timers[parent].deadline else { return }
            exchange(index, parent)
            index = parent
        }
    }

    private func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            let left = 2 * index + 1
            if left < timers.count, timers[left].deadline < timers[smallest].deadline { smallest = left }
            if left + 1 < timers.count, timers[left + 1].deadline < timers[smallest].deadline { smallest = left + 1 }
            guard smallest != index else { return }
            exchange(index, smallest)
            index = smallest
        }
    }

    private func exchange(_ a: Int, _ b: Int) {
        timers.swapAt(a, b)
        timers[a].index = a
        timers[b].index = b
    }
}
