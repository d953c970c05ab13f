internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// What the registry said, and when it was asked: it may have been true only then.
struct Known<Answer: Sendable>: Sendable {
    let answer: Answer
    let readAt: MonotonicTime
}

/// A tenant with the keys of its portal's tokens.
struct KnownPortal: Sendable {
    /// Nil when there is no such tenant.
    let tenant: TenantRecord?
    let registered: [PortalKey]
    /// The same keys, ready to verify.
    let keys: PortalKeySet
    /// What the tenant has stored; nil when that was not counted yet.
    var usage: TenantUsage?
}

/// A service, and the tenant that it names.
struct ServiceClaim: Hashable, Sendable {
    /// The SPIFFE id of its certificate.
    let service: String
    /// Nil when it names none.
    let tenant: TenantID?
}
