import CarillonGRPC
import Synchronization

/// How many handlers of all services run, and how they ended. Any thread.
final class HandlerCount: Sendable {
    /// Handlers that run now.
    let running = Atomic<UInt64>(0)
    /// Handlers that were started so far.
    let started = Atomic<UInt64>(0)
    /// Handlers that ended because their call was cancelled.
    let cancelled = Atomic<UInt64>(0)

    /// Runs a handler and counts it.
    func track<Result>(_ handler: () async throws -> Result) async throws -> Result {
        started.add(1, ordering: .relaxed)
        running.add(1, ordering: .relaxed)
        defer {
            if Task.isCancelled { cancelled.add(1, ordering: .relaxed) }
            running.subtract(1, ordering: .relaxed)
        }
        return try await handler()
    }
}
