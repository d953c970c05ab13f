internal import CarillonNet
internal import Domain
internal import Storage

/// Hears twice a second of facts that processes have changed, this one too, so that what is known of the others may be used for longer
/// (``FactsHearing``).
///
/// All times that are compared with each other are one clock's: those of changes are the database's, those of reads and
/// questions the machine's monotonic one.
///
/// Safe as `@unchecked Sendable` because it is confined to the loop that it runs on.
final class FactsKeeper: @unchecked Sendable {
    /// So that changes are obeyed within a second also where the question and the reading after it take their time.
    private static let pause = Duration.milliseconds(500)
    /// Changes are asked for from this long before the last answer: one is seen only when the transaction that tells of it is
    /// committed, which takes at most ``FactsTeller/patience`` or is done again.
    private static let overlap: Int64 = 10_000_000

    private let core: ServiceCore
    /// The last answer, if the last question had one. Its changes are those of the last seconds, so that none is obeyed twice.
    private var last: FactsNews?

    init(core: ServiceCore) {
        self.core = core
    }

    /// Works until the task is cancelled.
    func run(on loop: EventLoop) async {
        loop.assertOnLoop()
        repeat {
            await hear(on: loop)
        } while (try? await loop.sleep(for: min(Self.pause, core.limits.factsHearing / 2))) != nil
    }

    private func hear(on loop: EventLoop) async {
        // The time of the tick: not after the question.
        let asked = loop.now
        let before = last
        last = nil
        let registry = core.registry(on: loop)
        let answer = try? await CallDeadline.within(asked.advanced(by: FactsTeller.patience)) {
            () async throws(StorageError) in
            try await registry.factsNews(
                since: before.map { Instant(microseconds: $0.time.microseconds - Self.overlap) })
        }
        guard let news = answer else { return }
        last = news
        let follows = before.map { $0.serverStartedAt == news.serverStartedAt && $0.time <= news.time } ?? false
        let changed = news.changes.compactMap { before?.changes[$0] == $1 ? nil : $0 }
        await core.onEveryLoop { state in
            for tenant in changed { state.knownScope(of: tenant)?.facts.changedElsewhere() }
            state.hearing.heard(asked: asked, follows: follows, now: state.loop.now)
            state.proveFacts(isAnew: !follows)
        }
    }
}
