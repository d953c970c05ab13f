internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// Somebody whose credential was checked, on one loop.
final class Caller: @unchecked Sendable {
    /// What the caller may speak for.
    enum Role {
        /// The platform, over all tenants.
        case platformOperator
        /// A tenant's own programs, or a service that acts for the tenant.
        case tenantKey
        /// One user of a tenant's portal, until `expiry`; `key` signed the token.
        case portalUser(UserID, expiry: Instant, key: PortalKey)
    }

    // What every call looks at stands together in memory, and before the rest.

    /// Until when the check counts; afterwards the credential is looked up again.
    let goodUntil: MonotonicTime
    private let scopes: AccessScopes
    /// One bit for each kind of ``MethodAccess/Callers`` that it belongs to.
    private let kinds: UInt8
    private let scope: TenantScope?
    /// Where its calls count; nil for operators, who have no bounds.
    private let bounds: (gate: CallGate, meter: RateMeter)?
    /// When a use of its key was noted last.
    private var notedAt: Instant?
    let role: Role
    /// For the audit: `key/<key id>`, `operator/<key id>`, `service/<SPIFFE id>` or `user/<user id>`.
    let actor: String
    /// The tenant that it speaks for; nil for operators.
    let tenant: TenantID?
    private let key: KnownKey?

    /// - Parameter key: the key that it came with, of which uses are noted.
    init(
        role: Role, scopes: AccessScopes, actor: String, scope: TenantScope?, goodUntil: MonotonicTime,
        key: KnownKey? = nil
    ) {
        self.role = role
        self.scopes = scopes
        self.actor = actor
        self.scope = scope
        self.goodUntil = goodUntil
        self.key = key
        tenant = scope?.id
        bounds =
            switch role {
            case .platformOperator: nil
            case .tenantKey: scope.map { ($0.gates.keyCalls, $0.gates.keyRate) }
            case .portalUser: scope.map { ($0.gates.portalCalls, $0.gates.portalRate) }
            }
        let kinds: [MethodAccess.Callers] =
            switch role {
            case .platformOperator: [.platform]
            case .tenantKey: [.tenant, .tenantOrUser]
            case .portalUser: [.tenantOrUser, .user]
            }
        self.kinds = kinds.reduce(0) { $0 | 1 << $1.rawValue }
    }

    /// Lets callers pass who are of the kind that a method is for, and whose credential is for it.
    ///
    /// - Throws: PERMISSION_DENIED.
    func authorize(_ access: MethodAccess) throws(Status) {
        guard kinds & 1 << access.callers.rawValue != 0 else { throw .notAllowed(access.callers.words) }
        guard !scopes.isDisjoint(with: access.scopes) else { throw .scopeMissing(access.scopes) }
    }

    /// Counts a call against the tenant's bounds of calls with its keys or of its portal's users: those that run at once
    /// (``ServiceLimits/callsPerTenant``) until it is over, and their rate (``ServiceLimits/callRate``). Operators have none.
    ///
    /// - Throws: RESOURCE_EXHAUSTED; see ``TenantScope/admit(_:by:_:)``.
    func enter(_ context: CallContext) throws(Status) {
        guard let scope, let bounds else { return }
        try scope.admit(context, by: bounds.gate, bounds.meter)
    }

    /// Says that a user of its tenant will be asked for in a moment.
    func expect(_ key: KnownUserTable.Key) { scope?.facts.users.expect(key) }

    /// The key whose use is to be noted; nil for one that was noted within ``KnownKey/usePause``.
    func keyToNote(at now: Instant) -> KnownKey? {
        if let notedAt, now.seconds - notedAt.seconds < KnownKey.usePause { return nil }
        notedAt = now
        return key
    }

    /// The tenant of a credential that speaks for one.
    private func activeScope() throws(Status) -> TenantScope {
        guard let scope else { throw .unauthenticated }
        guard scope.record.state == .active else { throw .notServed(scope.record.state) }
        return scope
    }

    /// Lets operators pass.
    func requireOperator() throws(Status) {
        guard case .platformOperator = role else { throw .notAllowed(MethodAccess.Callers.platform.words) }
    }

    /// Lets a tenant's programs pass.
    func requireTenant() throws(Status) -> TenantScope {
        guard case .tenantKey = role else { throw .notAllowed(MethodAccess.Callers.tenant.words) }
        return try activeScope()
    }

    /// Lets a portal token pass.
    func requirePortalUser() throws(Status) -> PortalCaller {
        guard case .portalUser(let user, let expiry, let key) = role else {
            throw .notAllowed(MethodAccess.Callers.user.words)
        }
        return PortalCaller(scope: try activeScope(), user: user, key: key, expiry: expiry)
    }

    /// Lets a tenant's programs pass for any user, and a portal token for its own.
    func requireAccess(to user: UserID) throws(Status) -> TenantScope {
        switch role {
        case .tenantKey: return try activeScope()
        case .portalUser(user, _, _): return try activeScope()
        case .portalUser: throw .notAllowed("a tenant's API key, or the portal token of this user")
        case .platformOperator: throw .notAllowed(MethodAccess.Callers.tenantOrUser.words)
        }
    }
}
