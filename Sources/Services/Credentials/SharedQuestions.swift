internal import CarillonGRPC
internal import CarillonNet
internal import Storage

/// Questions to the registry that are on their way: each is asked once, however many wait for its answer.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class SharedQuestions<Key: Hashable & Sendable, Answer: Sendable>: @unchecked Sendable {
    private typealias Waiter = CheckedContinuation<Result<Answer, StorageError>, Never>
    private var waiters: [Key: [Waiter]] = [:]

    /// The answer to a question, which is asked if nobody has asked it yet.
    ///
    /// - Throws: UNAVAILABLE and the like when the registry does not answer.
    func answer(
        to key: Key, on loop: EventLoop, _ ask: @escaping @Sendable (Key) async throws(StorageError) -> Answer
    ) async throws(Status) -> Answer {
        loop.assertOnLoop()
        let result: Result<Answer, StorageError> = await withCheckedContinuation { waiter in
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
