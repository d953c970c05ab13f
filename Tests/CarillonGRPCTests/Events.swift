import Synchronization

/// What happened, in order, with a way to wait for it.
final class Events: Sendable {
    private struct State {
        var all: [String] = []
        var waiters: [(String, CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    /// What was recorded so far.
    var recorded: [String] { state.withLock { $0.all } }

    func record(_ event: String) {
        let due = state.withLock { state in
            state.all.append(event)
            let due = state.waiters.filter { event.contains($0.0) }.map(\.1)
            state.waiters.removeAll { event.contains($0.0) }
            return due
        }
        for waiter in due { waiter.resume() }
    }

    /// Whether an event that contains the text has been recorded.
    func has(_ text: String) -> Bool {
        state.withLock { $0.all.contains { $0.contains(text) } }
    }

    /// Returns once an event that contains the text has been recorded.
    func first(containing text: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.all.contains(where: { $0.contains(text) }) { return true }
                state.waiters.append((text, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
