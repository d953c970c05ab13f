internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// The event by which the people of an account and of the supplier hear that a mail address cannot be written to any more.
struct BouncedContact {
    /// The event's type.
    static let key = TypeKey(unchecked: "account.contact_email_bounced")

    /// The event as a portal would publish it.
    let request: Carillon_V1_PublishRequest

    /// Nil where nobody is told: of other channels, and where the owner or the supplier wished it so.
    init?(_ concerned: ConcernedAccount) {
        guard concerned.address.channel == .email else { return nil }
        let why: Reason
        switch concerned.state {
        case .hardBounced: why = .hardBounce
        case .complained: why = .complaint
        case .usable, .missing, .unverified, .stopped, .tokenGone, .blocked: return nil
        }
        var request = Carillon_V1_PublishRequest()
        request.idempotencyKey = Self.idempotencyKey(concerned)
        request.notificationType = Self.key.rawValue
        request.accountID = concerned.account.rawValue
        request.context = [
            .text("customer_id", concerned.account.rawValue),
            .text("customer_name", concerned.name.isEmpty ? concerned.account.rawValue : concerned.name),
            .text("contact_email", concerned.address.text),
            .text("bounce_type", why == .hardBounce ? "hard_bounce" : "complaint"),
        ]
        self.request = request
    }

    /// One for each account and each time that the address became so; it names nobody.
    private static func idempotencyKey(_ concerned: ConcernedAccount) -> String {
        .ofEvent(key, "\(concerned.account)\n\(concerned.since.microseconds)\n\(concerned.address.text)")
    }
}
