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
        let request = RenderingRequest(
            type: type, context: try delivery.event.whole(key), settings: settings, audience: delivery.audience,
            reason: delivery.reason, recipientName: target.name, zone: zone,
            branding: Branding(tenant), portalURL: tenant.portalURL,
            preferencesURL: tenant.preferencesURL, sourceEvent: delivery.event.sourceEvent ?? "")
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
        mail.unsubscribe = unsubscribe(delivery, target)
        return mail
    }

    /// How the reader stops this kind of mail with one click: not where the supplier requires it, and not a mailbox that stands in for
    /// people.
    private func unsubscribe(_ delivery: DeliveryWork, _ target: SecondLook.Target) -> EmailMessage.Unsubscribe? {
        guard let publicURL, let user = target.user, !delivery.reason.isMandatory,
            let token = try? UnsubscribeToken(user: user, audience: delivery.audience, type: delivery.event.type).text(
                key)
        else { return nil }
        return EmailMessage.Unsubscribe(url: "\(publicURL)/unsubscribe?token=\(token)")
    }
}
