internal import Channels
internal import Domain
internal import Rendering
internal import Security
internal import Storage

/// Makes the mail of one delivery. The same delivery gives the same mail on every attempt, if nothing it is made of has
/// changed: Message-ID and date are those of the notification.
struct MailComposer {
    /// Why there can be no mail. The raw values are stored as reasons.
    enum Failure: String, Error {
        /// The recipient's address is none that mail can go to.
        case addressRejected = "address_rejected"
        /// The type is in no catalog any more.
        case typeUnknown = "type_unknown"
        /// The secret part of the context does not open.
        case secretUnreadable = "secret_unreadable"
        /// The words could not be made.
        case renderingFailed = "rendering_failed"
    }

    let renderer: Renderer
    let catalog: Catalog
    let tenant: TenantRecord
    let key: DataKey
    let settings: TenantSettings
    /// The recipient's zone.
    let zone: ZoneRules
    /// Where browsers reach the service; nil for nowhere.
    let publicURL: String?

    /// The mail for a recipient by a provider.
    func mail(
        for delivery: DeliveryWork, to target: SecondLook.Target, by provider: ReadyProvider
    ) throws(Failure) -> EmailMessage {
        guard let address = EmailAddress(target.address) else { throw .addressRejected }
        guard let type = catalog[delivery.event.type] else { throw .typeUnknown }
        let request = request(for: delivery, type, try delivery.event.whole(key), to: target)
        let words: RenderedEmail
        do throws(RenderingError) {
            words = try renderer.email(request)
        } catch {
            throw .renderingFailed
        }
        let notification = delivery.id.notification
        var mail = EmailMessage(
            from: provider.from, to: Mailbox(address, name: target.name), replyTo: provider.replyTo,
            subject: words.subject, text: words.text, html: words.html,
            messageID: delivery.messageID
                ?? MessageIdentity.of(
                    notification, on: delivery.id.channel, tenant: tenant.id, portalURL: tenant.portalURL),
            date: Instant(milliseconds: Int64(notification.value.milliseconds)))
        // Not where the supplier requires it, and not a mailbox that stands in for people.
        if !delivery.reason.isMandatory, let user = target.user {
            mail.unsubscribe = unsubscribe(user, delivery.audience, delivery.event.type)
        }
        return mail
    }

    /// What one message is rendered from.
    func request(
        for delivery: DeliveryWork, _ type: NotificationType, _ context: Context, to target: SecondLook.Target
    ) -> RenderingRequest {
        RenderingRequest(
            type: type, context: context, settings: settings, audience: delivery.audience, reason: delivery.reason,
            recipientName: target.name, zone: zone, branding: Branding(tenant), portalURL: tenant.portalURL,
            preferencesURL: tenant.preferencesURL, sourceEvent: delivery.event.sourceEvent ?? "")
    }

    /// How the reader stops this kind of mail with one click; nil where there is no page for it.
    func unsubscribe(_ user: UserID, _ audience: Audience, _ type: TypeKey) -> EmailMessage.Unsubscribe? {
        guard let publicURL, let token = try? UnsubscribeToken(user: user, audience: audience, type: type).text(key)
        else { return nil }
        return EmailMessage.Unsubscribe(url: "\(publicURL)/unsubscribe?token=\(token)")
    }
}
