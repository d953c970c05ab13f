internal import Domain
internal import Storage

extension DeliveryWorker {
    /// Makes the item of a delivery to the inbox whose time has come. It is stored with the word on it, or not at all.
    func place(
        _ delivery: DeliveryWork, for reader: SecondLook.Reader, _ look: SecondLook, _ means: SendingMeans
    ) -> DeliveryResult {
        guard let type = configuration.catalog[delivery.event.type] else {
            return DeliveryResult(delivery.id, .failed(MailComposer.Failure.typeUnknown.rawValue))
        }
        let context: Context
        do throws(MailComposer.Failure) {
            context = try delivery.event.whole(means.key)
        } catch {
            return DeliveryResult(delivery.id, .failed(error.rawValue))
        }
        guard
            let item = try? InboxComposer(renderer: renderer, tenant: means.tenant).item(
                type, context, settings: look.settings(for: delivery.event.account), audience: delivery.audience,
                reason: delivery.reason, reader: reader.name, sourceEvent: delivery.event.sourceEvent ?? "")
        else { return DeliveryResult(delivery.id, .failed(MailComposer.Failure.renderingFailed.rawValue)) }
        return DeliveryResult(delivery.id, .delivered, arrival: NewArrival(item, of: type.key, for: reader.id))
    }
}
