/// The stable codes of `google.rpc.ErrorInfo` that callers may build on; the domain of all is `carillon`.
package enum ErrorReason: String, Sendable, CaseIterable {
    // Who calls.
    case credentialsInvalid = "CREDENTIALS_INVALID"
    case credentialNotAllowed = "CREDENTIAL_NOT_ALLOWED"
    case scopeMissing = "SCOPE_MISSING"
    case tenantNotAllowed = "TENANT_NOT_ALLOWED"
    case tenantRequired = "TENANT_REQUIRED"
    case tooManyFailures = "TOO_MANY_FAILURES"
    case tenantSuspended = "TENANT_SUSPENDED"
    case tenantDeleting = "TENANT_DELETING"
    case tokenExpired = "TOKEN_EXPIRED"

    // What was asked.
    case fieldInvalid = "FIELD_INVALID"
    case contextInvalid = "CONTEXT_INVALID"
    case notificationTypeUnknown = "NOTIFICATION_TYPE_UNKNOWN"
    case idempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED"
    case tenantExists = "TENANT_EXISTS"
    case archiveRefused = "ARCHIVE_REFUSED"
    case etagMismatch = "ETAG_MISMATCH"
    case providerNotAllowed = "PROVIDER_NOT_ALLOWED"
    case providerPasswordRequired = "PROVIDER_PASSWORD_REQUIRED"
    case accountImmutable = "ACCOUNT_IMMUTABLE"
    case audienceNotAllowed = "AUDIENCE_NOT_ALLOWED"

    // What there is.
    case tenantNotFound = "TENANT_NOT_FOUND"
    case accountNotFound = "ACCOUNT_NOT_FOUND"
    case userNotFound = "USER_NOT_FOUND"
    case apiKeyNotFound = "API_KEY_NOT_FOUND"
    case serviceIdentityNotFound = "SERVICE_IDENTITY_NOT_FOUND"
    case notificationNotFound = "NOTIFICATION_NOT_FOUND"

    // What the service can do at the moment.
    case databaseUnavailable = "DATABASE_UNAVAILABLE"
    case tenantMoving = "TENANT_MOVING"
    case concurrentChange = "CONCURRENT_CHANGE"
    case tooManyCalls = "TOO_MANY_CALLS"
    case tooManyOctets = "TOO_MANY_OCTETS"
    case tooManyStreams = "TOO_MANY_STREAMS"
    case callRate = "CALL_RATE"
    case eventRate = "EVENT_RATE"
    case storageFull = "STORAGE_FULL"
    case messageTooLarge = "MESSAGE_TOO_LARGE"
    case tooManyRecipients = "TOO_MANY_RECIPIENTS"
    case tooManyKeys = "TOO_MANY_KEYS"
    case tooMuchWaiting = "TOO_MUCH_WAITING"
    case draining = "DRAINING"
    case databaseNotOpen = "DATABASE_NOT_OPEN"
    case onboardingUnavailable = "ONBOARDING_UNAVAILABLE"
    case internalError = "INTERNAL"
}
