internal import CarillonNet
internal import Domain
internal import Storage

/// Keeps what this process knows of credentials in step with the registry, beside the calls.
///
/// Every second it asks whether other processes have changed keys, so that a change is mostly seen within two; what is
/// promised is ``ServiceLimits/credentialAge``, which needs nobody to ask. Now and then it looks at open streams, and once a
/// minute it records when keys were used, all keys in one statement and each at most every ``ServiceLimits/keyUsePause``, and lets go
/// of tenants that were erased.
///
/// Safe as `@unchecked Sendable` because it is confined to the loop that it runs on.
final class CredentialKeeper: @unchecked Sendable {
    private static let pause = Duration.seconds(1)
    private static let recordPause = Duration.seconds(60)
    /// Signals are asked for from this long before the last question: clocks differ, and a signal is seen only after the
    /// commit that it is part of.
    private static let overlap: Int64 = 5

    /// Services that changes are heard of; those beyond are seen to have changed when what is known has come of age.
    private static let services = 1000

    private let core: ServiceCore
    /// The services as they were the last time; nil before the first.
    private var versions: [String: RegistryStore.ServiceVersion]?
    /// Changes that were heard of already: within the overlap each is told several times.
    private var heard: [TenantID: CredentialsWord] = [:]
    /// When the uses of keys were recorded last.
    private var recorded: BoundedCache<String, Instant>

    init(core: ServiceCore) {
        self.core = core
        recorded = BoundedCache(limit: core.limits.credentials)
    }

    /// Works until the task is cancelled.
    func run(on loop: EventLoop) async {
        loop.assertOnLoop()
        let check = StreamCheck(core.limits)
        var asked = core.now
        var nextCheck = loop.now.advanced(by: check.pause)
        var nextRecord = loop.now.advanced(by: Self.recordPause)
        while (try? await loop.sleep(for: min(Self.pause, max(check.pause, .milliseconds(10))))) != nil {
            asked = await hear(since: asked, on: loop)
            await hearOfServices(on: loop)
            if nextCheck <= loop.now {
                nextCheck = loop.now.advanced(by: check.pause)
                await core.onEveryLoop { state in
                    guard state.inboxes.hasWatchers else { return }
                    state.loop.spawn { await state.recheckStreams(notOlderThan: check.knowledge) }
                }
            }
            if nextRecord <= loop.now {
                nextRecord = loop.now.advanced(by: Self.recordPause)
                await recordUses(until: Self.recordPause)
                // What fails is done the next time: it is about memory alone.
                try? await core.forgetErased(on: loop)
            }
        }
    }

    /// Hears of what other processes have changed.
    ///
    /// - Returns: when it was asked; the time before, if that failed.
    func hear(since time: Instant, on loop: EventLoop) async -> Instant {
        let now = core.now
        let since = Instant(microseconds: time.microseconds - Self.overlap * 1_000_000)
        guard let changed = try? await core.registry(on: loop).changedCredentials(since: since) else { return time }
        for (tenant, word) in changed where heard[tenant] != word {
            await core.forgetCredentials(of: tenant)
            // It may have been erased, or brought here from elsewhere: then there is nothing left of what was known.
            await core.forgetFacts(of: tenant)
        }
        heard = changed
        return now
    }

    /// Hears of services that others have registered, changed or taken off.
    private func hearOfServices(on loop: EventLoop) async {
        guard let found = try? await core.registry(on: loop).serviceVersions(limit: Self.services) else { return }
        defer { versions = found }
        // What was known before the first look may have changed before it too.
        guard let versions else { return await core.forgetServices() }
        guard versions != found else { return }
        for id in Set(versions.keys).union(found.keys) where versions[id] != found[id] { await core.forgetService(id) }
    }

    /// Records what the loops have seen of keys' uses. What cannot be recorded is left out: the next uses come.
    ///
    /// - Parameter time: how long it may take.
    func recordUses(until time: Duration) async {
        var uses: [String: Instant] = [:]
        for (loop, state) in core.all {
            let seen =
                loop.isOnLoop ? state.authenticator.uses.take() : await loop.run { state.authenticator.uses.take() }
            uses.merge(seen) { max($0, $1) }
        }
        let pause = core.limits.keyUsePause
        let due = uses.filter { key, time in recorded.find(key).map { $0.advanced(by: pause) <= time } ?? true }
        guard !due.isEmpty, let (loop, state) = core.all.first(where: { $0.0.isOnLoop }) else { return }
        do throws(StorageError) {
            try await CallDeadline.within(loop.now.advanced(by: time)) { () async throws(StorageError) in
                try await state.registry.recordUse(of: due)
            }
            for (key, time) in due { recorded.insert(time, for: key) }
        } catch {
            // Coarse on purpose; nothing depends on it.
        }
    }
}
