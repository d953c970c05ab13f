internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// The event by which a user hears, at the address that the portal gives, that mails go to another one from now on: if it was not the
/// user who did that, somebody should know.
struct ChangedAddress {
    /// The event's type. It is about access, and so goes to the portal's address.
    static let key = TypeKey(unchecked: "security.email_changed")

    private let request: Carillon_V1_PublishRequest

    /// Nil where mails go where they went, or where there was nowhere for them to go.
    init?(from before: UserRecord, to after: UserRecord, _ address: Address, at time: Instant) {
        guard address.channel == .email, let old = before.portalsContactPoint(on: .email), old.state == .usable,
            old.address != address.text, after.contactPoint(on: .email)?.address == address.text
        else { return nil }
        var request = Carillon_V1_PublishRequest()
        request.idempotencyKey = .ofEvent(Self.key, "\(after.id)\n\(time.microseconds)\n\(address.text)")
        request.notificationType = Self.key.rawValue
        request.accountID = after.account?.rawValue ?? ""
        request.addressedUserIds = [after.id.rawValue]
        request.context = [
            .text("user_id", after.id.rawValue),
            .text("user_display_name", after.displayName.isEmpty ? after.id.rawValue : after.displayName),
            .text("new_email_masked", MaskedAddress.of(address.text, on: .email)), .time("changed_at", time),
        ]
        self.request = request
    }

    /// The event; nil if it cannot be published.
    func draft(now: Instant) -> PublishDraft? { try? PublishDraft(request, now: now) }
}
