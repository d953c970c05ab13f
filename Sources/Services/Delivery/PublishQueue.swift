internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// The events of one tenant on their way into the database, from one loop.
///
/// Batches come about by themselves: while a transaction is on its way, further events gather and go as one; when none is,
/// an event goes at once. Each event has an outcome of its own.
///
/// Confined to its loop; every entry asserts. Safe as `@unchecked Sendable` for that reason.
final class PublishQueue: @unchecked Sendable {
    /// The most events of one transaction.
    private static let batchLimit = 128
    /// The most notifications of one transaction, unless a single event has more.
    private static let notificationLimit = 2_000

    private typealias Waiter = CheckedContinuation<Result<PublishOutcome, StorageError>, Never>
    private let loop: EventLoop
    private let store: TenantStore
    private let limit: Int
    private let clock: @Sendable () -> Instant
    private var waiting: [(item: PublishItem, waiter: Waiter)] = []
    private var isBusy = false

    init(loop: EventLoop, store: TenantStore, limit: Int, clock: @escaping @Sendable () -> Instant) {
        self.loop = loop
        self.store = store
        self.limit = limit
        self.clock = clock
    }

    /// Stores an event and says what became of it.
    ///
    /// - Throws: what befell its transaction; RESOURCE_EXHAUSTED when too many events wait already.
    func publish(_ item: PublishItem) async throws(PublishFailure) -> PublishOutcome {
        loop.assertOnLoop()
        guard waiting.count < limit else { throw .tooManyWaiting }
        let result: Result<PublishOutcome, StorageError> = await withCheckedContinuation { waiter in
            waiting.append((item, waiter))
            startIfIdle()
        }
        switch result {
        case .success(let outcome): return outcome
        case .failure(let error): throw .storage(error)
        }
    }

    private func startIfIdle() {
        guard !isBusy else { return }
        isBusy = true
        // Not in a caller's own task: the others of its batch must not fail when that caller hangs up.
        loop.spawn { await self.run() }
    }

    private func run() async {
        while !waiting.isEmpty {
            let batch = takeBatch()
            do throws(StorageError) {
                let result = try await store.publish(batch.map(\.item), now: clock())
                for (entry, outcome) in zip(batch, result.outcomes) {
                    entry.waiter.resume(returning: .success(outcome))
                }
            } catch {
                for entry in batch { entry.waiter.resume(returning: .failure(error)) }
            }
        }
        isBusy = false
    }

    private func takeBatch() -> [(item: PublishItem, waiter: Waiter)] {
        var count = 0
        var notifications = 0
        for entry in waiting {
            notifications += entry.item.notifications.count
            for raised in entry.item.raised { notifications += raised.notifications.count }
            guard count == 0 || (count < Self.batchLimit && notifications <= Self.notificationLimit) else { break }
            count += 1
        }
        defer { waiting.removeFirst(count) }
        return Array(waiting[..<count])
    }
}

/// Why an event has no outcome.
enum PublishFailure: Error {
    /// Too many events of the tenant wait already.
    case tooManyWaiting
    /// The transaction failed.
    case storage(StorageError)
}
