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

    let role: Role
    /// For the audit: `key/<key id>`, `operator/<key id>`, `service/<SPIFFE id>` or `user/<user id>`.
    let actor: String
    /// Until when the check counts; afterwards the credential is looked up again.
    let goodUntil: MonotonicTime
    /// The tenant that it speaks for; nil for operators.
    let tenant: TenantID?
    private let scope: TenantScope?
    private let scopes: AccessScopes
    /// One bit for each kind of ``MethodAccess/Callers`` that it belongs to.
    private let kinds: UInt8

    init(role: Role, scopes: AccessScopes, actor: String, scope: TenantScope?, goodUntil: MonotonicTime) {
        self.role = role
        self.scopes = scopes
        self.actor = actor
        self.scope = scope
        self.goodUntil = goodUntil
        tenant = scope?.id
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
        guard let scope else { return }
        switch role {
        case .tenantKey: try scope.admit(context, by: scope.gates.keyCalls, scope.gates.keyRate)
        case .portalUser: try scope.admit(context, by: scope.gates.portalCalls, scope.gates.portalRate)
        case .platformOperator: break
        }
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
