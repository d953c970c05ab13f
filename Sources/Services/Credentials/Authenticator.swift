internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// Says who calls.
///
/// In the order of cost: the same octets as last time on the same connection; a credential that this loop looked up
/// within ``ServiceLimits/credentialAge``, refused ones included; the registry. Every way to be refused looks the same from
/// outside.
///
/// Confined to its loop.
final class Authenticator {
    private enum Answer {
        case caller(Caller)
        case refused
        case unknown(BearerToken)
    }
    /// Who a credential speaks for; nobody when it is refused.
    private struct Verdict {
        let caller: Caller?
    }
    /// What the registry said of an API key, and when.
    private struct KnownKey {
        let credential: Credential?
        let readAt: MonotonicTime
    }
    /// What the registry said of a tenant's portal keys, and when.
    private struct KnownPortal {
        let tenant: TenantRecord?
        let registered: [PortalKey]
        let keys: PortalKeySet
        let readAt: MonotonicTime
    }

    private let age: Duration
    private var keys: BoundedCache<String, KnownKey>
    private var portals: BoundedCache<TenantID, KnownPortal>

    init(limits: ServiceLimits) {
        age = limits.credentialAge
        keys = BoundedCache(limit: limits.credentials)
        portals = BoundedCache(limit: limits.credentials)
    }

    /// Forgets a tenant's portal keys: they were replaced.
    func forgetPortalKeys(of tenant: TenantID) {
        portals.remove(tenant)
    }

    /// Who calls, as far as it is known without asking the database; nil when it is not.
    ///
    /// - Throws: UNAUTHENTICATED.
    func known(_ context: CallContext, _ state: LoopState) throws(Status) -> Caller? {
        switch look(context, state) {
        case .caller(let caller): return caller
        case .refused: throw .unauthenticated
        case .unknown: return nil
        }
    }

    /// Who calls.
    ///
    /// - Throws: UNAUTHENTICATED; UNAVAILABLE when it is not known and the registry cannot be asked.
    func caller(_ context: CallContext, _ state: LoopState) async throws(Status) -> Caller {
        switch look(context, state) {
        case .caller(let caller): return caller
        case .refused: throw .unauthenticated
        case .unknown(let token):
            let found =
                switch token {
                case .key(let key): judge(key, by: try await ask(for: key, state, until: context.deadline), state)
                case .portal(let portal):
                    judge(portal, by: try await ask(for: portal, state, until: context.deadline), state)
                }
            guard let caller = found else { throw .unauthenticated }
            remember(caller, context)
            return caller
        }
    }

    // MARK: From memory

    private func look(_ context: CallContext, _ state: LoopState) -> Answer {
        // Safe because the octets are not kept beyond the closure.
        unsafe context.withOnlyHeader("authorization") { header in
            guard let header = unsafe header else { return .refused }
            let now = state.loop.now
            if let last = context.connection.value as? CheckedCredential, now < last.caller.goodUntil,
                unsafe last.isSame(header)
            {
                return .caller(last.caller)
            }
            guard let token = unsafe BearerToken(header: header) else { return .refused }
            guard let known = judge(token, state) else { return .unknown(token) }
            guard let caller = known.caller else { return .refused }
            remember(caller, context)
            return .caller(caller)
        }
    }

    private func remember(_ caller: Caller, _ context: CallContext) {
        // Safe because the octets are copied.
        unsafe context.withOnlyHeader("authorization") { header in
            guard let header = unsafe header else { return }
            context.connection.value = unsafe CheckedCredential(octets: header, caller: caller)
        }
    }

    /// Who a credential speaks for, or nobody, by what this loop knows; nil when it does not know, or not for sure any more.
    private func judge(_ token: BearerToken, _ state: LoopState) -> Verdict? {
        let oldest = state.loop.now.advanced(by: .zero - age)
        switch token {
        case .key(let key):
            if let configured = state.dependencies.operatorKey, key.kind == .admin, key.keyID == configured.keyID {
                return Verdict(caller: judge(key, by: configured, state))
            }
            guard let known = keys.find(key.keyID), oldest < known.readAt else { return nil }
            return Verdict(caller: judge(key, by: known, state))
        case .portal(let token):
            guard let known = portals.find(token.claimedTenant), oldest < known.readAt else { return nil }
            return Verdict(caller: judge(token, by: known, state))
        }
    }

    // MARK: Judging

    private func judge(_ key: APIKey, by configured: APIKey, _ state: LoopState) -> Caller? {
        guard key.matches(hash: configured.secretHash) else { return nil }
        return Caller(
            role: .platformOperator, actor: "operator/\(key.keyID)", scope: nil,
            goodUntil: state.loop.now.advanced(by: age))
    }

    private func judge(_ key: APIKey, by known: KnownKey, _ state: LoopState) -> Caller? {
        let time = state.dependencies.clock()
        guard let credential = known.credential, credential.key.isValid(at: time),
            key.matches(hash: credential.key.secretHash)
        else { return nil }
        var goodUntil = known.readAt.advanced(by: age)
        if let expiry = credential.key.expiresAt {
            goodUntil = min(goodUntil, state.loop.now.advanced(by: time.distance(to: expiry)))
        }
        switch (key.kind, credential.tenant) {
        case (.live, .some(let tenant)):
            return Caller(
                role: .tenantKey, actor: "key/\(key.keyID)",
                scope: state.scope(of: tenant, usage: credential.usage), goodUntil: goodUntil)
        case (.admin, nil) where credential.key.tenant == nil:
            return Caller(
                role: .platformOperator, actor: "operator/\(key.keyID)", scope: nil, goodUntil: goodUntil)
        default: return nil
        }
    }

    private func judge(_ token: PortalToken, by known: KnownPortal, _ state: LoopState) -> Caller? {
        let time = state.dependencies.clock()
        guard let tenant = known.tenant,
            let identity = try? PortalTokenVerifier.verify(token, tenant: tenant.id, keys: known.keys, now: time)
        else { return nil }
        let end = Instant(seconds: identity.expiry.seconds + PortalTokenVerifier.skew)
        return Caller(
            role: .portalUser(identity.user, expiry: end), actor: "user/\(identity.user)",
            scope: state.scope(of: tenant),
            goodUntil: min(
                known.readAt.advanced(by: age), state.loop.now.advanced(by: time.distance(to: end))))
    }

    // MARK: From the registry

    // The age of what is read counts from before the question: it may have been true only then.

    private func ask(
        for key: APIKey, _ state: LoopState, until deadline: MonotonicTime
    ) async throws(Status) -> KnownKey {
        let asked = state.loop.now
        let credential = try await stored(until: deadline) { () async throws(StorageError) in
            try await state.registry.credential(key.keyID)
        }
        let known = KnownKey(credential: credential, readAt: asked)
        keys.insert(known, for: key.keyID)
        return known
    }

    private func ask(
        for token: PortalToken, _ state: LoopState, until deadline: MonotonicTime
    ) async throws(Status) -> KnownPortal {
        let asked = state.loop.now
        let id = token.claimedTenant
        let tenant = try await stored(until: deadline) { () async throws(StorageError) in
            try await state.registry.tenant(id)
        }
        let registered = try await stored(until: deadline) { () async throws(StorageError) in
            tenant == nil ? [] : try await state.registry.portalKeys(of: id)
        }
        let keys = await keySet(registered, of: id)
        let known = KnownPortal(tenant: tenant, registered: registered, keys: keys, readAt: asked)
        portals.insert(known, for: id)
        return known
    }

    /// The keys ready to verify; those of the last time if they are still the same.
    private func keySet(_ registered: [PortalKey], of tenant: TenantID) async -> PortalKeySet {
        if let known = portals.find(tenant), known.registered == registered { return known.keys }
        // What is registered was parsed when it was registered; a key that this version cannot read opens nothing.
        return (try? await PortalKeySet.parse(stored: registered.map(\.jwk))) ?? .empty
    }
}

extension Instant {
    /// How long it is to a later point; zero when that has passed.
    func distance(to other: Instant) -> Duration { .microseconds(max(0, other.microseconds - microseconds)) }
}
