internal import CarillonGRPC
internal import Domain
internal import Security
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

    /// How long callers are told to wait for a tenant that is held.
    private static let movingPause = Duration.milliseconds(500)

    /// Whatever is asked of a tenant's data in the seconds of a move in which nothing may change. It is made once: many ask
    /// while it lasts.
    static let tenantMoving: Status = {
        var status = Status(
            .unavailable, .tenantMoving, "the tenant is being moved to another database; try again in a moment",
            retryAfter: movingPause)
        status.pushback = movingPause
        return status
    }()

    /// A tenant of which there are two copies is not erased.
    static func tenantInMove(_ id: TenantID) -> Status {
        Status(
            .failedPrecondition, .tenantMoving,
            "the tenant is being moved to another database: end the move or take it back first, by `carillon tenant move`",
            metadata: ["tenant_id": id.rawValue])
    }

    /// A good credential that may not be used for this.
    ///
    /// - Parameter scopes: one of them would do.
    static func scopeMissing(_ scopes: AccessScopes) -> Status {
        let words = scopes.all.map(\.word)
        return Status(
            .permissionDenied, .scopeMissing,
            "the credential is not for this: the method needs the scope \(words.joined(separator: " or "))",
            metadata: ["scope": words.joined(separator: " ")])
    }

    /// The one answer for tenants that the caller may not act for, and for those that there are not.
    static let tenantNotAllowed = Status(
        .permissionDenied, .tenantNotAllowed,
        "the credential does not speak for the tenant that the metadata key carillon-tenant names")

    /// For services that may act for several tenants.
    static let tenantRequired = Status(
        .invalidArgument, .tenantRequired, "name the tenant to act for in the metadata key carillon-tenant")

    /// The end of streams whose token's key is no longer registered.
    static let keyRevoked = Status(
        .unauthenticated, .credentialsInvalid,
        "the key that signed the portal token is no longer registered; watch again with a new token")

    /// How long callers with wrong credentials are told to wait.
    static let failurePause = Duration.seconds(10)

    /// The answer to wrong and unknown credentials after too many wrong ones. It is made once: those who ask too much must
    /// not cost much.
    static let tooManyFailures = Status(
        .resourceExhausted, .tooManyFailures,
        "too many wrong credentials came from this address, or with this key's id; wait before the next try",
        retryAfter: failurePause)

    static func accountNotFound(_ id: AccountID) -> Status {
        Status(.notFound, .accountNotFound, "there is no account \(id)", metadata: ["account_id": id.rawValue])
    }

    static func userNotFound(_ id: UserID) -> Status {
        Status(.notFound, .userNotFound, "there is no user \(id)", metadata: ["user_id": id.rawValue])
    }

    /// Without an account only the supplier's people are addressed.
    static func supplierUserNotFound(_ id: UserID) -> Status {
        Status(
            .notFound, .userNotFound,
            "there is no user \(id) of the supplier; if it is a user of an account, name that in account_id",
            metadata: ["user_id": id.rawValue])
    }

    static func notificationNotFound(_ id: NotificationID) -> Status {
        Status(
            .notFound, .notificationNotFound, "there is no notification \(id)",
            metadata: ["notification_id": id.description])
    }

    static func eventNotFound(_ event: EventReference) -> Status {
        switch event {
        case .id(let id):
            Status(.notFound, .eventNotFound, "there is no event \(id)", metadata: ["event_id": id.description])
        case .key:
            // A key may be anything, and comes back with the caller's own request.
            Status(.notFound, .eventNotFound, "no event was published with this idempotency_key, or it is forgotten")
        }
    }

    /// The one answer for messages that there are not, and for those of other tenants.
    static let messageNotFound = Status(
        .notFound, .messageNotFound, "there is no such message; send its message_id as GetNotification tells it")

    /// A report of a message whose address is not known any more.
    static let addressChanged = Status(
        .failedPrecondition, .addressChanged,
        "the message's recipient has no such address any more, or several that look alike; name the address instead")

    static let suppressionNotFound = Status(.notFound, .suppressionNotFound, "the address is not suppressed")

    /// A STOP is its owner's.
    static let stoppedByOwner = Status(
        .failedPrecondition, .stoppedByOwner,
        "the owner of the number said STOP, and only the owner takes that back: by START, which ReportProviderEvents takes"
    )

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

    /// This process has no owner's login, so that schemas cannot be made or read as a whole.
    static let noOwner = Status(
        .failedPrecondition, .onboardingUnavailable,
        "this process has no owner's login; set database.owner-url where tenants are made and changed")

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
