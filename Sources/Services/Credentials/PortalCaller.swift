internal import Domain
internal import Storage

/// A portal user who was let in.
struct PortalCaller {
    let scope: TenantScope
    let user: UserID
    /// The key that signed the token.
    let key: PortalKey
    /// When the token stops being good.
    let expiry: Instant
}
