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
            try await ask(token, state)
            guard case .caller(let caller) = look(context, state) else { throw .unauthenticated }
            return caller
        }
    }

    // MARK: From memory

    private func look(_ context: CallContext, _ state: LoopState) -> Answer {
        context.withHeader("authorization") { header in
            guard let header else { return .refused }
            let now = state.loop.now
            if let last = context.connection.value as? CheckedCredential, now < last.caller.goodUntil,
                last.isSame(header)
            {
                return .caller(last.caller)
            }
            guard let token = BearerToken(header: header) else { return .refused }
            let answer =
                switch token {
                case .key(let key): look(key, state)
                case .portal(let portal): look(portal, state)
                }
            if case .caller(let caller) = answer {
                context.connection.value = CheckedCredential(octets: header, caller: caller)
            }
            return answer
        }
    }

    private func look(_ key: APIKey, _ state: LoopState) -> Answer {
        let now = state.loop.now
        if let configured = state.dependencies.operatorKey, key.kind == .admin, key.keyID == configured.keyID {
            guard key.matches(hash: configured.secretHash) else { return .refused }
            return .caller(
                Caller(
                    role: .platformOperator, actor: "operator/\(key.keyID)", scope: nil,
                    goodUntil: now.advanced(by: age)))
        }
        guard let known = keys.find(key.keyID), now < known.readAt.advanced(by: age) else {
            return .unknown(.key(key))
        }
        let time = state.dependencies.clock()
        guard let credential = known.credential, credential.key.isValid(at: time),
            key.matches(hash: credential.key.secretHash)
        else { return .refused }
        var goodUntil = known.readAt.advanced(by: age)
        if let expiry = credential.key.expiresAt {
            goodUntil = min(goodUntil, now.advanced(by: time.distance(to: expiry)))
        }
        switch (key.kind, credential.tenant) {
        case (.live, .some(let tenant)):
            return .caller(
                Caller(
                    role: .tenantKey, actor: "key/\(key.keyID)", scope: state.scope(of: tenant), goodUntil: goodUntil))
        case (.admin, nil) where credential.key.tenant == nil:
            return .caller(
                Caller(role: .platformOperator, actor: "operator/\(key.keyID)", scope: nil, goodUntil: goodUntil))
        default: return .refused
        }
    }

    private func look(_ token: PortalToken, _ state: LoopState) -> Answer {
        let now = state.loop.now
        guard let known = portals.find(token.claimedTenant), now < known.readAt.advanced(by: age) else {
            return .unknown(.portal(token))
        }
        guard let tenant = known.tenant else { return .refused }
        let time = state.dependencies.clock()
        do {
            let identity = try PortalTokenVerifier.verify(token, tenant: tenant.id, keys: known.keys, now: time)
            let end = Instant(seconds: identity.expiry.seconds + PortalTokenVerifier.skew)
            return .caller(
                Caller(
                    role: .portalUser(identity.user, expiry: end), actor: "user/\(identity.user)",
                    scope: state.scope(of: tenant),
                    goodUntil: min(known.readAt.advanced(by: age), now.advanced(by: time.distance(to: end)))))
        } catch {
            return .refused
        }
    }

    // MARK: From the registry

    private func ask(_ token: BearerToken, _ state: LoopState) async throws(Status) {
        // The age counts from before the question: what is read may have been true only then.
        let asked = state.loop.now
        switch token {
        case .key(let key):
            let credential = try await stored { () async throws(StorageError) in
                try await state.registry.credential(key.keyID)
            }
            keys.insert(KnownKey(credential: credential, readAt: asked), for: key.keyID)
        case .portal(let token):
            let id = token.claimedTenant
            let tenant = try await stored { () async throws(StorageError) in try await state.registry.tenant(id) }
            let registered = try await stored { () async throws(StorageError) in
                tenant == nil ? [] : try await state.registry.portalKeys(of: id)
            }
            let keys = await keySet(registered, of: id)
            portals.insert(KnownPortal(tenant: tenant, registered: registered, keys: keys, readAt: asked), for: id)
        }
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
