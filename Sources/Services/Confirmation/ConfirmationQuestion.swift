internal import CarillonAPI
internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Security
internal import Storage

/// The mail that asks whether an address which a user has added is the user's. It goes to that address, whatever others the user has.
struct ConfirmationQuestion {
    /// The event's type.
    static let key = TypeKey(unchecked: "security.email_verification")
    /// How long the link in the mail works.
    static let lifetime = Duration.seconds(24 * 3_600)

    let user: UserRecord
    let address: String
    /// When it is asked. What is asked twice at the same time is one question.
    let time: Instant
    private let type: NotificationType

    /// Nil where the catalog has no such type.
    init?(_ user: UserRecord, _ address: String, at time: Instant) {
        guard let type = Catalog.builtIn[Self.key] else { return nil }
        (self.user, self.address, self.time, self.type) = (user, address, time, type)
    }

    /// Until when the link works.
    var expiry: Instant { time.advanced(by: Self.lifetime) }

    /// The event.
    ///
    /// - Parameters:
    ///   - key: the tenant's key.
    ///   - tenant: the tenant. Where browsers do not reach the service, the link leads to the page of the tenant's portal.
    ///   - publicURL: where they reach it.
    func draft(
        _ key: DataKey, _ tenant: TenantRecord, publicURL: String?, now: Instant
    ) throws(Status) -> PublishDraft {
        // One for each time that one address of one user is asked about.
        let request = Carillon_V1_PublishRequest(
            Self.key, to: user, "\(time.microseconds)\n\(address)",
            [.url("verification_url", try link(key, tenant, publicURL)), .time("expires_at", expiry)])
        var draft = try PublishDraft(request, now: now)
        draft.destination = address
        return draft
    }

    private func link(_ key: DataKey, _ tenant: TenantRecord, _ publicURL: String?) throws(Status) -> String {
        let token = ConfirmationToken(user: user.id, address: Address(.email, address), expiry: expiry)
        let text: String
        do throws(SecretError) {
            text = try token.text(key)
        } catch {
            throw Status(.internalError, .internalError, "the link cannot be sealed")
        }
        if let publicURL { return "\(publicURL)\(ConfirmationPage.path)?token=\(text)" }
        let page = type.link(for: user.account == nil ? .internalIndividual : .customer)?.description ?? "/"
        return "\(tenant.portalPage(page))?token=\(text)"
    }
}
