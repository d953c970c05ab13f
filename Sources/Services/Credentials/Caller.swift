internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Somebody whose credential was checked, on one loop.
final class Caller: @unchecked Sendable {
    /// What the caller may speak for.
    enum Role {
        /// The platform, over all tenants.
        case platformOperator
        /// A tenant's own programs.
        case tenantKey
        /// One user of a tenant's portal, until `expiry`.
        case portalUser(UserID, expiry: Instant)
    }

    let role: Role
    /// For the audit: `key/<key id>`, `operator/<key id>` or `user/<user id>`.
    let actor: String
    /// Until when the check counts; afterwards the credential is looked up again.
    let goodUntil: MonotonicTime
    private let scope: TenantScope?

    init(role: Role, actor: String, scope: TenantScope?, goodUntil: MonotonicTime) {
        self.role = role
        self.actor = actor
        self.scope = scope
        self.goodUntil = goodUntil
    }

    /// Counts a call against the tenant's bound of calls with its keys or of its portal's users
    /// (``ServiceLimits/callsPerTenant``) until it is over. Operators have none.
    ///
    /// - Throws: RESOURCE_EXHAUSTED.
    func enter(_ context: CallContext) throws(Status) {
        guard let gates = scope?.gates else { return }
        switch role {
        case .tenantKey: try context.enter(gates.keyCalls)
        case .portalUser: try context.enter(gates.portalCalls)
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
        guard case .platformOperator = role else { throw .notAllowed("an operator's key") }
    }

    /// Lets a tenant's API key pass.
    func requireTenant() throws(Status) -> TenantScope {
        guard case .tenantKey = role else { throw .notAllowed("a tenant's API key") }
        return try activeScope()
    }

    /// Lets a portal token pass.
    func requirePortalUser() throws(Status) -> (scope: TenantScope, user: UserID, expiry: Instant) {
        guard case .portalUser(let user, let expiry) = role else { throw .notAllowed("a portal token") }
        return (try activeScope(), user, expiry)
    }

    /// Lets a tenant's API key pass for any user, and a portal token for its own.
    func requireAccess(to user: UserID) throws(Status) -> TenantScope {
        switch role {
        case .tenantKey: return try activeScope()
        case .portalUser(user, _): return try activeScope()
        case .portalUser: throw .notAllowed("a tenant's API key, or the portal token of this user")
        case .platformOperator: throw .notAllowed("a tenant's API key or a portal token")
        }
    }
}

/// The credential that was checked last on a connection: most connections use one for all of their calls, which are then
/// let in by comparing octets.
final class CheckedCredential {
    let octets: [UInt8]
    let caller: Caller

    init(octets: UnsafeRawBufferPointer, caller: Caller) {
        self.octets = unsafe Array(octets)
        self.caller = caller
    }

    func isSame(_ header: UnsafeRawBufferPointer) -> Bool {
        unsafe header.count == octets.count && octets.withUnsafeBytes { unsafe $0.elementsEqual(header) }
    }
}
