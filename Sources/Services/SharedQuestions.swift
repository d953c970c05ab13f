internal import CarillonGRPC
internal import CarillonNet
internal import Storage

/// Work on the database that several callers need at the same time, each piece known by its key: what the registry says, or that
/// something is made. It is done once, however many wait for it, and goes on when they have gone.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class SharedQuestions<Key: Hashable & Sendable, Answer: Sendable>: @unchecked Sendable {
    /// One who waits, until the answer or the end of its time, whichever comes first.
    private final class Waiter: @unchecked Sendable {
        private var continuation: CheckedContinuation<Result<Answer, StorageError>, Never>?

        init(_ continuation: CheckedContinuation<Result<Answer, StorageError>, Never>) {
            self.continuation = continuation
        }

        func resume(returning result: Result<Answer, StorageError>) {
            continuation?.resume(returning: result)
            continuation = nil
        }
    }

    private var waiters: [Key: [Waiter]] = [:]

    /// The answer to a question, which is asked if nobody has asked it yet.
    ///
    /// - Parameter deadline: how long this caller waits for it.
    /// - Throws: UNAVAILABLE and the like when the database does not answer, DEADLINE_EXCEEDED when it does not in time.
    func answer(
        to key: Key, on loop: EventLoop, until deadline: MonotonicTime = .distantFuture,
        _ ask: @escaping @Sendable (Key) async throws(StorageError) -> Answer
    ) async throws(Status) -> Answer {
        loop.assertOnLoop()
        var timer: LoopTimer?
        defer { timer?.cancel() }
        let result: Result<Answer, StorageError> = await withCheckedContinuation { continuation in
            let waiter = Waiter(continuation)
            if deadline < .distantFuture {
                timer = loop.schedule(at: deadline) {
                    waiter.resume(returning: .failure(StorageError(.deadlineExceeded, "it is not done yet")))
                }
            }
            if waiters[key] != nil {
                waiters[key]?.append(waiter)
            } else {
                waiters[key] = [waiter]
                // Not in the caller's own task: the others must not lose the answer when that caller hangs up.
                loop.spawn { self.settle(key, await Self.result(of: key, ask)) }
            }
        }
        return try await stored(until: nil) { () async throws(StorageError) in try result.get() }
    }

    private static func result(
        of key: Key, _ ask: (Key) async throws(StorageError) -> Answer
    ) async -> Result<Answer, StorageError> {
        do throws(StorageError) {
            return .success(try await ask(key))
        } catch {
            return .failure(error)
        }
    }

    private func settle(_ key: Key, _ result: Result<Answer, StorageError>) {
        for waiter in waiters.removeValue(forKey: key) ?? [] { waiter.resume(returning: result) }
    }
}
