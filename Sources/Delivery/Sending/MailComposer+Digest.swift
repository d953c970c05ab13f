internal import Channels
internal import Domain
internal import Rendering
internal import Security
internal import Storage

// The mail that tells of many deliveries.

extension MailComposer {
    /// What a digest shows of one delivery. Secrets are never in one: types that have some are not put into digests.
    func entry(for delivery: DeliveryWork, to target: SecondLook.Target) throws(Failure) -> DigestEntry {
        guard let type = catalog[delivery.event.type] else { throw .typeUnknown }
        let request = request(for: delivery, type, delivery.event.openContext, to: target)
        do throws(RenderingError) {
            return try renderer.digestEntry(request, at: delivery.event.occurredAt)
        } catch {
            throw .renderingFailed
        }
    }

    /// The digest's mail by a provider.
    ///
    /// - Parameters:
    ///   - entries: what is shown, the most important first.
    ///   - messageID: what each attempt carries.
    func digest(
        _ digest: Digest, _ entries: [DigestEntry], messageID: String?, by provider: ReadyProvider
    ) throws(Failure) -> EmailMessage {
        let target = digest.target
        guard let address = EmailAddress(target.address) else { throw .addressRejected }
        guard let messageID else { throw .renderingFailed }
        let request = DigestRequest(
            entries: entries, count: digest.items.count, hasMandatory: digest.hasMandatory,
            recipientName: target.name, zone: zone, branding: Branding(tenant), portalURL: tenant.portalURL,
            preferencesURL: tenant.preferencesURL)
        let words: RenderedEmail
        do throws(RenderingError) {
            words = try renderer.digest(request)
        } catch {
            throw .renderingFailed
        }
        var mail = EmailMessage(
            from: provider.from, to: Mailbox(address, name: target.name), replyTo: provider.replyTo,
            subject: words.subject, text: words.text, html: words.html, messageID: messageID, date: digest.date)
        // One click can say what it stops where there is one kind to stop. Of many, readers choose on the page that is linked.
        let kinds = digest.kinds
        if kinds.count == 1, !digest.hasMandatory, let kind = kinds.first, let user = target.user {
            mail.unsubscribe = unsubscribe(user, kind.audience, kind.type)
        }
        return mail
    }
}
