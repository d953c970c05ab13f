internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

// What is done when something changes that decisions rest on.

extension ServiceCore {
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
