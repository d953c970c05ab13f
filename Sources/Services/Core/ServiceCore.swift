internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// What all handlers share: the state of each loop, and the ways to reach the others.
final class ServiceCore: Sendable {
    let dependencies: ServiceDependencies
    private let states: PerLoop<LoopState>
    /// The bounds of all tenants' calls, which the loops share.
    let gates: TenantGateTable
    let zones = ZoneNames()
    /// The owner's administration; nil where tenants cannot be made.
    let owner: OwnerAccess?
    /// Exports and imports; nil where tenants cannot be made.
    let transfers: TransferDesk?

    init(_ dependencies: ServiceDependencies) {
        self.dependencies = dependencies
        owner = dependencies.owner.map { OwnerAccess($0) }
        transfers = dependencies.owner.map { TransferDesk($0, limits: dependencies.limits) }
        let gates = TenantGateTable(limits: dependencies.limits)
        self.gates = gates
        states = PerLoop(dependencies.pools.all.map(\.loop)) { loop in
            LoopState(loop: loop, pool: dependencies.pools[loop], dependencies: dependencies, gates: gates)
        }
    }

    /// The state of the loop that a call runs on.
    subscript(context: CallContext) -> LoopState { states[context.loop] }

    /// The state of a loop.
    func state(on loop: EventLoop) -> LoopState { states[loop] }

    /// The state of the loop that this is asked on; nil on no loop of ours.
    var stateHere: LoopState? { states.all.first { $0.0.isOnLoop }?.1 }

    /// The loops with their states.
    var all: [(EventLoop, LoopState)] { states.all.map { ($0, $1) } }

    /// The registry, for work on a loop.
    func registry(on loop: EventLoop) -> RegistryStore { states[loop].registry }

    var limits: ServiceLimits { dependencies.limits }
    var now: Instant { dependencies.clock() }

    // MARK: Who calls

    // Every call passes one of these, and as soon as it is known whose it is, a gate of its tenant.

    /// Who calls, as far as it is known without the database.
    ///
    /// - Parameter key: that of the tenant's user who will be asked for next.
    /// - Throws: UNAUTHENTICATED; PERMISSION_DENIED when the method is not for such a caller (``MethodAccess``);
    ///   RESOURCE_EXHAUSTED when too many calls of the tenant are running, or come in a second.
    func knownCaller(_ context: CallContext, expecting key: KnownUserTable.Key? = nil) throws(Status) -> Caller? {
        let state = states[context.loop]
        guard let caller = try state.authenticator.known(context, state) else { return nil }
        if let key { caller.expect(key) }
        try caller.authorize(MethodAccess(context))
        try caller.enter(context)
        return caller
    }

    /// Who calls.
    ///
    /// - Throws: see ``knownCaller(_:)``; UNAVAILABLE when it is not known and the registry cannot be asked.
    func caller(_ context: CallContext) async throws(Status) -> Caller {
        let state = states[context.loop]
        let caller = try await state.authenticator.caller(context, state)
        try caller.authorize(MethodAccess(context))
        try caller.enter(context)
        return caller
    }

    /// The portal user who opens a stream. It counts as a stream and not as a call.
    ///
    /// - Throws: see ``caller(_:)``; RESOURCE_EXHAUSTED when too many streams of the tenant are open.
    func watcher(_ context: CallContext) async throws(Status) -> PortalCaller {
        let state = states[context.loop]
        // What goes on for long begins on fresh knowledge; from then on ``StreamCheck`` looks after it.
        let caller = try await state.authenticator.caller(
            context, state, within: StreamCheck(limits).margin)
        try caller.authorize(MethodAccess(context))
        let watcher = try caller.requirePortalUser()
        try watcher.scope.admitStream(context, watcher.scope.gates.portalRate)
        return watcher
    }

    /// The operator who calls.
    func platformOperator(_ context: CallContext) async throws(Status) -> Caller {
        let caller = try await caller(context)
        try caller.requireOperator()
        return caller
    }

    /// The tenant whose API key calls.
    func tenant(_ context: CallContext) async throws(Status) -> (scope: TenantScope, caller: Caller) {
        let caller = try await caller(context)
        return (try caller.requireTenant(), caller)
    }

    /// The tenant whose API key opened a stream, for what comes on it later. It counts as nothing of its own.
    ///
    /// - Throws: UNAUTHENTICATED when the key counts no more; PERMISSION_DENIED when the tenant is not served any more;
    ///   UNAVAILABLE when the registry cannot be asked.
    func goingOn(_ context: CallContext) async throws(Status) -> (scope: TenantScope, caller: Caller) {
        let state = states[context.loop]
        let caller =
            if let known = try state.authenticator.known(context, state) {
                known
            } else {
                try await state.authenticator.caller(context, state)
            }
        try caller.authorize(MethodAccess(context))
        return (try caller.requireTenant(), caller)
    }

    /// Runs a stream of a tenant's programs: it counts as one while it is open, and can be ended from outside.
    ///
    /// - Throws: see ``callersStream(_:)``; UNAVAILABLE when the process is about to end; what `body` throws.
    func withStream(_ context: CallContext, _ body: () async throws -> Void) async throws {
        let scope = try await callersStream(context)
        let streams = states[context.loop].tenantStreams
        try streams.open(context, of: scope.id)
        defer { streams.close(context) }
        try await body()
    }

    /// The tenant whose API key opens a stream. It counts as a stream and not as a call.
    ///
    /// - Throws: see ``caller(_:)``; RESOURCE_EXHAUSTED when too many streams of the tenant are open.
    private func callersStream(_ context: CallContext) async throws(Status) -> TenantScope {
        let state = states[context.loop]
        let caller = try await state.authenticator.caller(context, state)
        try caller.authorize(MethodAccess(context))
        let scope = try caller.requireTenant()
        try scope.admitStream(context, scope.gates.keyRate)
        return scope
    }

    /// The tenant whose API key calls to store something that was not there before.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when it has stored all that it may.
    func storingTenant(_ context: CallContext) async throws(Status) -> (scope: TenantScope, caller: Caller) {
        let tenant = try await tenant(context)
        try tenant.scope.requireRoom(context)
        return tenant
    }

    /// The tenant whose API key calls to publish events.
    ///
    /// - Parameter events: how many.
    /// - Throws: RESOURCE_EXHAUSTED when it has stored all that it may, or publishes too many events in a second.
    func publishingTenant(
        _ context: CallContext, events: Int = 1
    ) async throws(Status) -> (scope: TenantScope, caller: Caller) {
        let tenant = try await storingTenant(context)
        try tenant.scope.admitEvents(events, context)
        return tenant
    }

    // MARK: All loops

    /// Runs a step on every loop and returns when all have: a change is obeyed by this whole process before it is answered.
    func onEveryLoop(_ step: @escaping @Sendable (LoopState) -> Void) async {
        for (loop, state) in states.all {
            if loop.isOnLoop { step(state) } else { await loop.run { step(state) } }
        }
    }

    /// Makes this process obey a tenant's record, its state and its limits, from now on: who changed it calls this before
    /// answering. Others hear of it when they read it again (``ServiceLimits/credentialAge``).
    func tenantChanged(_ record: TenantRecord) async {
        await onEveryLoop { state in
            state.take(record)
            guard record.state != .active else { return }
            state.inboxes.end(record.id, .notServed(record.state))
            state.tenantStreams.end(of: record.id, .notServed(record.state))
        }
    }

    /// Makes this process forget a tenant's keys and portal keys, and look again at its open streams.
    func forgetCredentials(of tenant: TenantID) async {
        await onEveryLoop { state in
            state.authenticator.forget(tenant)
            state.loop.spawn { await state.recheckStreams(of: [tenant], notOlderThan: .zero) }
        }
    }

    /// Makes this process forget what it knows of a tenant's absence: it has been imported, with keys of its own.
    func forgetAbsence(of tenant: TenantID) async {
        await onEveryLoop { $0.authenticator.forgetRefusedKeys() }
        await forgetCredentials(of: tenant)
    }

    /// Lets go of what this process keeps of tenants that were erased. Whoever was let in for one before is not any more: that it is
    /// gone is heard of within ``ServiceLimits/credentialAge``, and its id is not given again for longer than that.
    func forgetErased(on loop: EventLoop) async throws(StorageError) {
        var known: [TenantID: Instant] = [:]
        for (other, state) in states.all {
            let tenants = other.isOnLoop ? state.knownTenants : await other.run { state.knownTenants }
            known.merge(tenants) { max($0, $1) }
        }
        let present = try await states[loop].registry.present(Set(known.keys))
        for (tenant, createdAt) in known where !present.contains(tenant) {
            await onEveryLoop { $0.forget(erased: tenant, createdAt: createdAt) }
            gates.remove(tenant)
        }
    }

    /// How many tenants this process keeps gates of, and how many scopes on all loops.
    func countKept() async -> (gates: Int, scopes: Int) {
        var scopes = 0
        for (loop, state) in states.all {
            scopes += loop.isOnLoop ? state.knownTenants.count : await loop.run { state.knownTenants.count }
        }
        return (gates.count, scopes)
    }

    /// Makes this process forget a key.
    func forgetKey(_ id: String) async {
        await onEveryLoop { $0.authenticator.forget(key: id) }
    }

    /// Makes this process forget what all services may do.
    func forgetServices() async {
        await onEveryLoop { $0.authenticator.forgetServices() }
    }

    /// Makes this process forget what a service may do.
    func forgetService(_ id: String) async {
        await onEveryLoop { $0.authenticator.forget(service: id) }
    }

    /// Tells the watchers of these inboxes, on all loops, that something changed.
    func inboxesChanged(_ users: [UserID], of tenant: TenantID) {
        guard !users.isEmpty else { return }
        for (loop, state) in states.all where state.inboxes.hasWatchers {
            if loop.isOnLoop {
                state.inboxes.changed(users, of: tenant)
            } else {
                loop.execute { state.inboxes.changed(users, of: tenant) }
            }
        }
    }

    /// Tells the watchers of an inbox, on all loops, of items that changed.
    func inboxItemsChanged(
        _ items: [InboxItem], _ counters: InboxCounters, of user: UserID, in tenant: TenantID
    ) {
        for (loop, state) in states.all where state.inboxes.hasWatchers {
            if loop.isOnLoop {
                state.inboxes.itemsChanged(items, counters, of: user, in: tenant)
            } else {
                loop.execute { state.inboxes.itemsChanged(items, counters, of: user, in: tenant) }
            }
        }
    }

    // MARK: The end

    /// Closes the connections with databases other than the registry's, on all loops.
    func closeDatabases() async {
        for (loop, state) in states.all { await loop.run { await state.closeDatabases() } }
    }

    /// Ends what would not end by itself.
    func beginDrain() async {
        await onEveryLoop { state in
            state.inboxes.drain()
            state.tenantStreams.drain()
        }
    }
}
