import Synchronization

/// What happened, in order, with a way to wait for it.
final class Events: Sendable {
    private struct State {
        var all: [String] = []
        var waiters: [(text: String, continuation: CheckedContinuation<String, Never>)] = []
    }
    private let state = Mutex(State())

    /// Everything so far.
    var all: [String] { state.withLock { $0.all } }

    func record(_ event: String) {
        let due = state.withLock { state in
            state.all.append(event)
            let due = state.waiters.filter { event.contains($0.text) }
            state.waiters.removeAll { event.contains($0.text) }
            return due
        }
        for waiter in due { waiter.continuation.resume(returning: event) }
    }

    /// The first event that contains the text, once there is one.
    @discardableResult
    func first(containing text: String) async -> String {
        await withCheckedContinuation { continuation in
            let found = state.withLock { state -> String? in
                if let found = state.all.first(where: { $0.contains(text) }) { return found }
                state.waiters.append((text, continuation))
                return nil
            }
            if let found { continuation.resume(returning: found) }
        }
    }
}
