internal import CarillonGRPC
internal import Domain
internal import Storage

// Answers that several methods give, in one wording each.

extension Status {
    /// The one answer to missing, malformed, unknown, revoked and expired credentials: who guesses learns nothing.
    static let unauthenticated = Status(
        .unauthenticated, .credentialsInvalid,
        "the credentials are missing or not valid; send \"authorization: Bearer …\" with a valid key or token")

    /// A good credential of the wrong sort.
    static func notAllowed(_ needed: String) -> Status {
        Status(.permissionDenied, .credentialNotAllowed, "this method needs \(needed)")
    }

    /// The tenant's own credential, while it is not served.
    static func notServed(_ state: TenantState) -> Status {
        state == .deleting
            ? Status(.permissionDenied, .tenantDeleting, "the tenant is to be erased; the operator can still resume it")
            : Status(.permissionDenied, .tenantSuspended, "the tenant is suspended")
    }

    static func accountNotFound(_ id: AccountID) -> Status {
        Status(.notFound, .accountNotFound, "there is no account \(id)", metadata: ["account_id": id.rawValue])
    }

    static func userNotFound(_ id: UserID) -> Status {
        Status(.notFound, .userNotFound, "there is no user \(id)", metadata: ["user_id": id.rawValue])
    }

    static func tenantNotFound(_ id: TenantID) -> Status {
        Status(.notFound, .tenantNotFound, "there is no tenant \(id)", metadata: ["tenant_id": id.rawValue])
    }

    static func notificationTypeNotFound(_ key: String) -> Status {
        Status(
            .notFound, .notificationTypeUnknown, "there is no such notification type; see ListNotificationTypes",
            metadata: TypeKey(key).map { ["notification_type": $0.rawValue] } ?? [:])
    }

    static func tooManyRecipients(limit: Int) -> Status {
        Status(
            .failedPrecondition, .tooManyRecipients,
            "the event concerns more than \(limit) people; publish it for fewer, for instance by addressed_user_ids",
            metadata: ["limit": String(limit)])
    }

    /// The refusal of the gates of a tenant's calls (``TenantGates``).
    static func tooManyCalls(retryAfter: Duration) -> Status {
        Status(
            .resourceExhausted, .tooManyCalls,
            "too many calls of the tenant's keys, or of its portal's users, run at once; wait until some have ended",
            retryAfter: retryAfter)
    }

    /// The refusal of the gate of a tenant's streams (``TenantGates``).
    static func tooManyStreams(retryAfter: Duration) -> Status {
        Status(
            .resourceExhausted, .tooManyStreams,
            "too many WatchInbox streams of the tenant are open; wait until some have ended", retryAfter: retryAfter)
    }

    /// This process has no owner's login, so that schemas cannot be made or read as a whole.
    static let noOwner = Status(
        .failedPrecondition, .onboardingUnavailable,
        "this process has no owner's login; set database.owner-url where tenants are made")

    /// Where a tenant is to be put there is no database, or none that takes tenants.
    static let databaseNotOpen = Status(
        .failedPrecondition, .databaseNotOpen, "there is no such database, or it takes no new tenants")

    /// The refusal of a further export or import (``ServiceLimits/transfersOfTenants``).
    static let tooManyTransfers = Status(
        .resourceExhausted, .tooManyCalls, "other tenants are being exported or imported; wait until one has ended",
        retryAfter: .seconds(10))

    static let draining = Status(
        .unavailable, .draining, "this process is about to end; call again", retryAfter: .milliseconds(100))
}
