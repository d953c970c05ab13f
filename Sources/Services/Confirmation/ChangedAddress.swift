internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// The event by which a user hears, at the address that the portal gives, that mails go to another one from now on: if it was not the
/// user who did that, somebody should know. It is raised wherever that may become so, and is one for each address that is added.
struct ChangedAddress {
    /// The event's type. It is about access, and so goes to the portal's address.
    static let key = TypeKey(unchecked: "security.email_changed")

    private let request: Carillon_V1_PublishRequest

    /// Nil where mails go to the portal's address, where they went elsewhere before, or where the portal gives none that can be used.
    init?(from before: UserRecord, to after: UserRecord, at time: Instant) {
        guard let now = after.contactPoint(on: .email), !now.isPortals, now.state == .usable, let since = now.ownSince,
            before.contactPoint(on: .email)?.address != now.address,
            after.portalsContactPoint(on: .email)?.state == .usable
        else { return nil }
        self.init(after, now.address, since: since, at: time)
    }

    /// Likewise where it is not known what was before.
    init?(_ user: UserRecord, at time: Instant) {
        guard let now = user.contactPoint(on: .email), !now.isPortals, now.state == .usable, let since = now.ownSince,
            user.portalsContactPoint(on: .email)?.state == .usable
        else { return nil }
        self.init(user, now.address, since: since, at: time)
    }

    private init(_ user: UserRecord, _ address: String, since: Instant, at time: Instant) {
        request = Carillon_V1_PublishRequest(
            Self.key, to: user, "\(since.microseconds)\n\(address)",
            [.text("new_email_masked", MaskedAddress.of(address, on: .email)), .time("changed_at", time)])
    }

    /// The event.
    func draft(now: Instant) throws(Status) -> PublishDraft { try PublishDraft(request, now: now) }
}
