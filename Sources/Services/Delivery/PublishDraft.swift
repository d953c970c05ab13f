internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import SwiftProtobuf

/// A publish request that was checked, before anybody was decided about.
struct PublishDraft {
    /// The most users that an event may name.
    static let addresseeLimit = 100

    let idempotencyKey: String
    /// SHA-256 of the request in one form, the key left out: the order in which values and users were sent does not count.
    let bodyHash: [UInt8]
    let type: NotificationType
    let account: AccountID?
    let addressees: [UserID]
    let actor: UserID?
    let object: String?
    let isObjectSuppressed: Bool
    let sourceEvent: String
    let occurredAt: Instant
    /// When people are to be told at the earliest; nil for at once.
    let notBefore: Instant?
    let context: Context
    let entries: [ContextEntry]
    /// The mail address that the event is about and goes to; nil for where its readers are reached. No request names one: events that the
    /// service makes itself do.
    var destination: String?

    /// Reads a request.
    ///
    /// - Throws: INVALID_ARGUMENT that names every field and every context value that is wrong.
    init(_ request: Carillon_V1_PublishRequest, now: Instant) throws(Status) {
        var check = FieldCheck()
        Self.check(key: request.idempotencyKey, &check)
        idempotencyKey = request.idempotencyKey
        bodyHash = try Self.hash(request)
        account = check.optionalIdentifier(request.accountID, "account_id")
        actor = check.optionalIdentifier(request.actorUserID, "actor_user_id")
        addressees = Self.addressees(request.addressedUserIds, &check)
        object = check.optionalLine(request.object, "object", limit: 200)
        isObjectSuppressed = request.objectSuppressed
        let source = check.optionalLine(request.sourceEventID, "source_event_id", limit: 200)
        sourceEvent = source ?? request.idempotencyKey
        occurredAt = Self.occurrence(request, now: now, &check)
        notBefore = Self.beginning(request, now: now, &check)
        guard let type = TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] }) else {
            check.add("notification_type", "is not a known type; see ListNotificationTypes", reason: "UNKNOWN")
            try check.check(.notificationTypeUnknown)
            throw .notificationTypeNotFound(request.notificationType)
        }
        self.type = type
        Self.checkScope(type, account: account, request, &check)
        try check.check()

        var reader = ContextReader()
        entries = reader.entries(request.context)
        var violations = RequestViolations()
        for violation in reader.violations { violations.add(violation) }
        do throws(ContextError) {
            context = try Context(entries, for: type)
        } catch {
            context = Context(unchecked: [:])
            for violation in error.violations {
                // What was sent and could not be read is named already, and is not missing.
                if violation.problem == .missing, reader.unreadable.contains(violation.field) { continue }
                violations.add(
                    ContextReader.field(violation.field), violation.message,
                    reason: violation.problem.rawValue.uppercased())
            }
        }
        try violations.check(.contextInvalid)
    }

    /// Whether a text is an idempotency key.
    static func check(key: String, _ check: inout FieldCheck) {
        guard !TextForms.isIdempotencyKey(key) else { return }
        check.add(
            "idempotency_key", "must be 1 to 200 visible ASCII characters",
            reason: key.isEmpty ? "REQUIRED" : "MALFORMED")
    }

    private static func addressees(_ ids: [String], _ check: inout FieldCheck) -> [UserID] {
        guard ids.count <= addresseeLimit else {
            check.add(
                "addressed_user_ids", "has \(ids.count) users; at most \(addresseeLimit) are taken", reason: "TOO_MANY")
            return []
        }
        var users: [UserID] = []
        for (place, id) in ids.enumerated() {
            guard let user = check.identifier(id, "addressed_user_ids[\(place)]", as: UserID.self) else { continue }
            if !users.contains(user) { users.append(user) }
        }
        return users
    }

    private static func occurrence(
        _ request: Carillon_V1_PublishRequest, now: Instant, _ check: inout FieldCheck
    ) -> Instant {
        guard request.hasOccurTime else { return now }
        guard let time = Instant(request.occurTime) else {
            check.add("occur_time", "is not a point in time in the years 1970 to 9999", reason: "OUT_OF_RANGE")
            return now
        }
        return time
    }

    /// How far ahead the time may lie at which people are told: a leap year.
    private static let reach = Duration.seconds(366 * 86_400)

    private static func beginning(
        _ request: Carillon_V1_PublishRequest, now: Instant, _ check: inout FieldCheck
    ) -> Instant? {
        guard request.hasDeliverTime else { return nil }
        guard let time = Instant(request.deliverTime) else {
            check.add("deliver_time", "is not a point in time in the years 1970 to 9999", reason: "OUT_OF_RANGE")
            return nil
        }
        guard time <= now.advanced(by: reach) else {
            check.add("deliver_time", "is more than 366 days ahead", reason: "OUT_OF_RANGE")
            return nil
        }
        return time > now ? time : nil
    }

    /// Whether the event names whom its type needs.
    private static func checkScope(
        _ type: NotificationType, account: AccountID?, _ request: Carillon_V1_PublishRequest, _ check: inout FieldCheck
    ) {
        // Those who are addressed may be the supplier's own.
        let concernsAccount = type.audiences.customer.map { $0.scope != .addressedUser } ?? false
        if concernsAccount, account == nil, request.accountID.isEmpty {
            check.add("account_id", "is required for a type that customers hear of", reason: "REQUIRED")
        }
        let isAddressed = Audience.allCases.contains { type.audiences[$0]?.scope == .addressedUser }
        if isAddressed, request.addressedUserIds.isEmpty {
            check.add("addressed_user_ids", "is required for a type that is addressed to users", reason: "REQUIRED")
        }
    }

    private static func hash(_ request: Carillon_V1_PublishRequest) throws(Status) -> [UInt8] {
        var canonical = request
        canonical.idempotencyKey = ""
        canonical.context.sort { $0.name < $1.name }
        canonical.addressedUserIds = Array(Set(request.addressedUserIds)).sorted()
        do {
            // Messages without maps have one serialized form in this library.
            let octets: [UInt8] = try canonical.serializedBytes()
            return SHA256Digest.of(octets)
        } catch {
            throw Status(.internalError, .internalError, "the request cannot be serialized")
        }
    }
}
