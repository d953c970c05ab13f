internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

// What is done when something changes that decisions rest on.

extension ServiceCore {
    /// Stores what a user chooses, and makes this process obey it at once and others hear of it, before it is answered. Whoever
    /// chooses comes through here: by the API, by an import, by the link in a mail.
    ///
    /// - Throws: NOT_FOUND for a user who is gone; ABORTED for another revision than the expected one; UNAVAILABLE.
    func updatePreferences(
        of user: UserID, _ changes: [PreferenceChange], _ personal: PersonalChange = PersonalChange(),
        expecting revision: Int64? = nil, in scope: TenantScope, stamp: AuditStamp, on loop: EventLoop,
        until deadline: MonotonicTime?
    ) async throws(Status) -> PreferencesUpdate {
        let clocks = scope.facts.clocks
        return try await changing(user, in: scope, on: loop, until: deadline) { () async throws(StorageError) in
            try await scope.store.updatePreferences(
                of: user, changes, personal, expectedRevision: revision, stamp: stamp, clocks)
        }
    }

    /// Stores that an address which a user has added is the user's, likewise.
    ///
    /// - Throws: NOT_FOUND for a user who is gone; UNAVAILABLE.
    func confirm(
        _ address: Address, of user: UserID, in scope: TenantScope, stamp: AuditStamp, on loop: EventLoop,
        until deadline: MonotonicTime?
    ) async throws(Status) -> PreferencesUpdate {
        let clocks = scope.facts.clocks
        return try await changing(user, in: scope, on: loop, until: deadline) { () async throws(StorageError) in
            try await scope.store.confirm(address, of: user, stamp: stamp, clocks)
        }
    }

    private func changing(
        _ user: UserID, in scope: TenantScope, on loop: EventLoop, until deadline: MonotonicTime?,
        _ change: () async throws(StorageError) -> PreferencesUpdate?
    ) async throws(Status) -> PreferencesUpdate {
        let (tenant, began) = (scope.id, loop.now)
        let updated = try await stored(until: deadline) { () async throws(StorageError) in
            try await changingFacts(of: tenant, on: loop, change)
        }
        guard let update = updated else { throw .userNotFound(user) }
        await onEveryLoop { $0.knownScope(of: tenant)?.facts.take(update.user, update.home, readAt: began) }
        await state(on: loop).teller.tell(of: tenant)
        return update
    }

    /// Makes this process forget what it knows of a tenant's accounts, users, choices, settings and providers, and tells
    /// others of it. Called when the change is committed and before it is answered: a check that is asked behind the answer is
    /// obeyed by this process, and by others within ``ServiceLimits/factsHearing``.
    func factsChanged(of tenant: TenantID, _ context: CallContext) async {
        await forgetFacts(of: tenant)
        await self[context].teller.tell(of: tenant)
    }

    /// Makes a change of what decisions rest on. If nobody knows afterwards whether it was made, it counts as made.
    func changingFacts<Value>(
        of tenant: TenantID, _ context: CallContext, _ body: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try await changingFacts(of: tenant, on: context.loop, body)
    }

    /// The same for a change that no call makes.
    func changingFacts<Value>(
        of tenant: TenantID, on loop: EventLoop, _ body: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        do throws(StorageError) {
            return try await body()
        } catch {
            if error.isCommitUnknown {
                await forgetFacts(of: tenant)
                state(on: loop).teller.tellOfDoubt(about: tenant)
            }
            throw error
        }
    }

    /// Makes this process forget what it knows of a tenant's accounts, users, choices, settings and providers.
    func forgetFacts(of tenant: TenantID) async {
        await onEveryLoop { $0.knownScope(of: tenant)?.facts.forget() }
    }
}
