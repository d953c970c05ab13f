internal import Synchronization

/// Something for a loop to run: a piece of a Swift task, or a closure.
enum LoopWork {
    case job(UnownedJob)
    case closure(() -> Void)
}

/// Work that the loop's own thread queued for itself: no lock, first in, first out.
struct LocalWorkQueue {
    private var items: [LoopWork] = []
    private var head = 0

    var isEmpty: Bool { head == items.count }

    mutating func append(_ work: LoopWork) {
        items.append(work)
    }

    mutating func popFirst() -> LoopWork? {
        guard head < items.count else { return nil }
        let work = items[head]
        head += 1
        if head == items.count {
            items.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 4096 {
            items.removeFirst(head)
            head = 0
        }
        return work
    }
}

/// Work that other threads queued for the loop. The first item after a drain asks for a wake-up; further ones
/// ride along with it.
final class ForeignWorkQueue: Sendable {
    // Safe because every access goes through the mutex; `LoopWork` itself is not Sendable since it carries closures,
    // which are only accepted here as `@Sendable`.
    private struct State: @unchecked Sendable {
        var items: [LoopWork] = []
        var isClosed = false
    }
    private let state = Mutex(State())

    enum Appended {
        case wakeNeeded
        case alreadySignalled
        case closed
    }

    func append(job: UnownedJob) -> Appended {
        state.withLock { Self.append(.job(job), to: &$0) }
    }

    func append(closure: @escaping @Sendable () -> Void) -> Appended {
        state.withLock { Self.append(.closure(closure), to: &$0) }
    }

    private static func append(_ work: LoopWork, to state: inout State) -> Appended {
        guard !state.isClosed else { return .closed }
        state.items.append(work)
        return state.items.count == 1 ? .wakeNeeded : .alreadySignalled
    }

    /// Moves everything into the loop's own queue.
    func drain(into local: inout LocalWorkQueue) {
        let items = state.withLock { state in
            defer { state.items.removeAll() }
            return Batch(items: state.items)
        }.items
        for item in items { local.append(item) }
    }

    /// Refuses further work; true if nothing was left.
    func closeIfEmpty() -> Bool {
        state.withLock { state in
            guard state.items.isEmpty else { return false }
            state.isClosed = true
            return true
        }
    }

    // Safe because it only carries the items out of the lock to the one thread that drains.
    private struct Batch: @unchecked Sendable {
        let items: [LoopWork]
    }
}
