/// One task at a time that waits on a loop until it is woken, by whoever knows the waiter or by its own cancellation.
///
/// Whoever wakes it says only that it is worth a look: the task looks whether what it waits for has come, and may wait again.
/// Safe as `@unchecked Sendable` because it is confined to its loop.
package final class Waiter: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: UnsafeContinuation<Void, Never>?

    /// Makes a waiter for tasks on a loop.
    package init(on loop: EventLoop) {
        self.loop = loop
    }

    /// Returns when it is woken or the task is cancelled; at once when the task is cancelled already.
    package func wait() async {
        loop.assertOnLoop()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                precondition(self.continuation == nil, "two tasks wait where one may")
                guard !Task.isCancelled else { return continuation.resume() }
                self.continuation = continuation
            }
        } onCancel: {
            loop.execute { self.wake() }
        }
    }

    /// Wakes the task if there is one that waits. It runs later, by the loop's queue.
    package func wake() {
        loop.assertOnLoop()
        continuation.take()?.resume()
    }
}
