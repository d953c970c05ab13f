internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

extension Authenticator {
    /// What credentials come to.
    enum Verdict {
        case caller(Caller)
        /// They open nothing.
        case wrong
        /// A service has to name the tenant that it acts for.
        case unnamed
        /// A service may not act for the tenant that it names.
        case notAllowed
    }

    /// Who the credentials speak for by what this loop knows; nil when it does not know, or not for long enough any more.
    func judgeFromMemory(_ credentials: Credentials, _ state: LoopState, within margin: Duration) -> Verdict? {
        let oldest = state.loop.now.advanced(by: margin - age)
        switch credentials {
        case .bearer(.key(let key), _):
            if let configured = state.dependencies.operatorKey, key.kind == .admin, key.keyID == configured.keyID {
                return judge(key, by: configured, state)
            }
            return knownKey(key.keyID, since: oldest).map { judge(key, by: $0, state) }
        case .bearer(.portal(let token), _):
            return knownPortal(token.claimedTenant, since: oldest).map { judge(token, by: $0, state) }
        case .service(let id, let claim, let isForPlatform):
            return knownService(ServiceClaim(id, claim), since: oldest).map { known in
                judge(known, claim, isForPlatform: isForPlatform, state)
            }
        }
    }

    /// Who the credentials speak for by what the registry says now.
    func askAndJudge(_ credentials: Credentials, _ state: LoopState) async throws(Status) -> Verdict {
        switch credentials {
        case .bearer(.key(let key), _): judge(key, by: try await askForKey(key.keyID, state), state)
        case .bearer(.portal(let token), _):
            judge(token, by: try await askForPortal(token.claimedTenant, state), state)
        case .service(let id, let claim, let isForPlatform):
            judge(
                try await askForService(ServiceClaim(id, claim), state), claim, isForPlatform: isForPlatform, state)
        }
    }

    private func judge(_ key: APIKey, by configured: APIKey, _ state: LoopState) -> Verdict {
        guard key.matches(hash: configured.secretHash) else { return .wrong }
        return .caller(
            Caller(
                role: .platformOperator, scopes: AccessScopes(.platform), actor: "operator/\(key.keyID)", scope: nil,
                goodUntil: state.loop.now.advanced(by: age)))
    }

    private func judge(_ key: APIKey, by known: KnownKey?, _ state: LoopState) -> Verdict {
        guard let known, key.matches(hash: known.credential.key.secretHash) else { return .wrong }
        let now = state.dependencies.clock()
        guard let caller = caller(with: key, known, at: now, state) else { return .wrong }
        note(known, now)
        return .caller(caller)
    }

    /// Who comes with a key whose secret is right; nil when it opens nothing.
    private func caller(with key: APIKey, _ known: KnownKey, at time: Instant, _ state: LoopState) -> Caller? {
        let credential = known.credential
        guard credential.key.isValid(at: time) else { return nil }
        var goodUntil = known.readAt.advanced(by: age)
        if let expiry = credential.key.expiresAt {
            goodUntil = min(goodUntil, state.loop.now.advanced(by: time.duration(to: expiry)))
        }
        switch (key.kind, credential.tenant) {
        case (.live, .some(let tenant)):
            return Caller(
                role: .tenantKey, scopes: AccessScopes(words: credential.key.scopes).intersection(.tenant),
                actor: "key/\(key.keyID)", scope: state.scope(of: tenant, usage: credential.usage),
                goodUntil: goodUntil, key: known)
        case (.admin, nil) where credential.key.tenant == nil:
            return Caller(
                role: .platformOperator, scopes: AccessScopes(.platform), actor: "operator/\(key.keyID)", scope: nil,
                goodUntil: goodUntil, key: known)
        default: return nil
        }
    }

    private func judge(_ token: PortalToken, by known: Known<KnownPortal>, _ state: LoopState) -> Verdict {
        let time = state.dependencies.clock()
        guard let tenant = known.answer.tenant,
            let identity = try? PortalTokenVerifier.verify(
                token, tenant: tenant.id, keys: known.answer.keys, now: time),
            let key = known.answer.registered.first(where: { $0.kid == token.keyID })
        else { return .wrong }
        let end = Instant(seconds: identity.expiry.seconds + PortalTokenVerifier.skew)
        return .caller(
            Caller(
                role: .portalUser(identity.user, expiry: end, key: key), scopes: identity.scopes,
                actor: "user/\(identity.user)", scope: state.scope(of: tenant, usage: known.answer.usage),
                goodUntil: min(
                    known.readAt.advanced(by: age), state.loop.now.advanced(by: time.duration(to: end)))))
    }

    private func judge(
        _ known: Known<ServiceCredential?>, _ claim: TenantClaim, isForPlatform: Bool, _ state: LoopState
    ) -> Verdict {
        guard let credential = known.answer else { return .wrong }
        let scopes = AccessScopes(words: credential.service.scopes)
        let actor = "service/\(credential.service.id)"
        let goodUntil = known.readAt.advanced(by: age)
        if isForPlatform {
            // Over all tenants it speaks for none of them.
            guard claim.allows(nil) else { return .notAllowed }
            return .caller(
                Caller(
                    role: .platformOperator, scopes: scopes, actor: actor, scope: nil, goodUntil: goodUntil))
        }
        switch (claim, credential.tenant) {
        case (.malformed, _): return .notAllowed
        case (.one, nil): return .notAllowed
        case (.none, nil): return .unnamed
        case (_, .some(let tenant)):
            return .caller(
                Caller(
                    role: .tenantKey, scopes: scopes.intersection(.tenant), actor: actor,
                    scope: state.scope(of: tenant, usage: credential.usage), goodUntil: goodUntil))
        }
    }
}

extension ServiceClaim {
    /// What has to be asked for a service that comes with a claim; a malformed one is not asked for.
    init(_ service: String, _ claim: TenantClaim) {
        let tenant: TenantID? = if case .one(let tenant) = claim { tenant } else { nil }
        self.init(service: service, tenant: tenant)
    }
}

extension KnownPortal {
    /// What is known of a tenant that there is not.
    static let none = KnownPortal(tenant: nil, registered: [], keys: .empty)
}
