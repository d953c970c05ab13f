internal import CarillonNet
internal import Domain
internal import Storage

/// The workers' words on one tenant's deliveries on their way to the database.
///
/// Words that come while others are being written gather and go as one transaction. A word that cannot be written for the
/// moment is written later: until then its row stays held, so nobody sends it again. Confined to `loop`.
final class Recorder: @unchecked Sendable {
    /// A word, and the address that proved dead with it.
    struct Entry {
        var result: DeliveryResult
        var deadAddress: DeadAddress?
        /// The message that comes back into the queue with it, by its first delivery: such words are written all at once.
        var message: DeliveryID?
    }

    /// An address that must not be used again.
    struct DeadAddress: Hashable {
        let address: Address
        let state: AddressState
        /// The code of what its provider said of it, for the audit.
        let reason: String
    }

    /// How many words go as one transaction, and more only if they are on one message.
    private static let batch = 64
    /// For how long words are tried after the tenant was let go: they count as long as nobody took over.
    private static let patienceWhenLetGo: Duration = .seconds(60)

    private let loop: EventLoop
    private let store: TenantStore
    private let fence: Int64
    private let environment: DeliveryEnvironment
    private let teller: FactsTeller
    /// A word is on disk, or given up: its delivery is not held any more.
    var onSettled: ((DeliveryID) -> Void)?
    /// A word could not be written for good: the row is held until the next fence.
    var onGivenUp: (() -> Void)?

    private var entries: [Entry] = []
    /// Whether a task writes, or waits to.
    private(set) var isWriting = false
    private var writing: Task<Void, Never>?
    /// Whether the task that writes waits for its next try.
    private(set) var isPausing = false
    private var letGoAt: MonotonicTime?
    private var hasPerished = false
    private var failures = 0
    /// Whether the last try may have been committed without our hearing of it.
    private var isUncertain = false
    /// How many words are to be written one by one, because one of them cannot be written.
    private var singles = 0

    /// - Parameter teller: tells all processes of an address that is not to be used again: they have decided that it can be.
    init(
        loop: EventLoop, store: TenantStore, fence: Int64, environment: DeliveryEnvironment, teller: FactsTeller
    ) {
        self.loop = loop
        self.store = store
        self.fence = fence
        self.environment = environment
        self.teller = teller
    }

    /// Whether every word is on disk.
    var isEmpty: Bool { entries.isEmpty }

    /// Takes a word.
    func record(_ entry: Entry) {
        loop.assertOnLoop()
        guard !hasPerished else { return }
        entries.append(entry)
        guard !isWriting else { return }
        isWriting = true
        writing = loop.spawn { await self.write() }
    }

    /// The tenant was let go: words are tried for a while, then dropped.
    func letGo() {
        letGoAt = letGoAt ?? loop.now
    }

    /// Forgets every word, as a killed process does.
    func perish() {
        hasPerished = true
        entries = []
        // Or a task would outlive the worker, and perhaps the loop. A write that is under way may end.
        if isPausing { writing?.cancel() }
    }

    private func write() async {
        while !entries.isEmpty {
            let batch = nextBatch()
            do throws(StorageError) {
                try await suppress(batch.compactMap(\.deadAddress))
                let results = batch.map(\.result)
                let outcomes = try await store.finish(results, fence: fence, now: environment.now())
                failures = 0
                for (result, outcome) in zip(results, outcomes) { tell(result, outcome) }
                isUncertain = false
                remove(batch.count)
            } catch {
                await recover(from: error, batch)
            }
        }
        isWriting = false
        writing = nil
    }

    /// The words of the next transaction. A message that comes back into the queue does so whole: whoever claims some of its deliveries
    /// must find all, or it would become two messages of one Message-ID.
    private func nextBatch() -> [Entry] {
        guard singles == 0 else { return [entries[0]] }
        var count = min(Self.batch, entries.count)
        if let message = entries[count - 1].message {
            while count < entries.count, entries[count].message == message { count += 1 }
        }
        return Array(entries[..<count])
    }

    /// Marks addresses, whoever has them, and tells of all of them once.
    private func suppress(_ dead: [DeadAddress]) async throws(StorageError) {
        guard !dead.isEmpty else { return }
        let now = environment.now()
        let found = Dictionary(dead.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
        let change: AddressChange
        do throws(StorageError) {
            change = try await store.suppress(
                found.values.map { NewSuppression($0.address, $0.state, at: now, reason: $0.reason) },
                source: .worker, stamp: stamp())
        } catch {
            // They may be marked all the same.
            teller.tellOfDoubt(about: store.tenant)
            throw error
        }
        if change.isFelt { await teller.tell(of: store.tenant) }
        if !change.concerned.isEmpty { environment.onRefusedAddresses(store.tenant, change.concerned) }
    }

    /// The worker acts for nobody, and from nowhere but here.
    private func stamp() -> AuditStamp { AuditStamp(id: environment.makeID(), actor: "worker", origin: "") }

    private func tell(_ result: DeliveryResult, _ outcome: FinishOutcome) {
        switch outcome {
        case .recorded: environment.onEvent(.recorded(store.tenant, result))
        // After a commit of unknown outcome, a row that is gone is most likely our own doing.
        case .stale where isUncertain: environment.onEvent(.recorded(store.tenant, result))
        case .stale: environment.onEvent(.stale(store.tenant, result))
        }
    }

    private func remove(_ count: Int) {
        guard !hasPerished else { return }
        let done = entries.prefix(count).map(\.result.id)
        entries.removeFirst(count)
        singles = max(0, singles - count)
        for id in done { onSettled?(id) }
    }

    private func recover(from error: StorageError, _ batch: [Entry]) async {
        failures += 1
        isUncertain = isUncertain || error.isCommitUnknown
        let isPassing: Bool
        switch error.code {
        case .unavailable, .deadlineExceeded, .aborted: isPassing = true
        default: isPassing = false
        }
        let isPatient = letGoAt.map { loop.now < $0.advanced(by: Self.patienceWhenLetGo) } ?? true
        let willRetry = isPatient && (isPassing || batch.count > 1)
        environment.onEvent(.recordingFailed(store.tenant, count: batch.count, error, willRetry: willRetry))
        guard willRetry else {
            failures = 0
            onGivenUp?()
            return remove(batch.count)
        }
        guard isPassing else {
            // One of them cannot be written: alone, the others can.
            singles = batch.count
            return
        }
        let longest = min(Duration.milliseconds(100) * (1 << min(failures, 6)), .seconds(5))
        isPausing = true
        defer { isPausing = false }
        // Cancelled when there is nothing left to write.
        try? await loop.sleep(for: longest / 2 + longest / 2 * environment.randomness())
    }
}
