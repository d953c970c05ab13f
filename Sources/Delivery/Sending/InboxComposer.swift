package import Domain
package import Rendering
package import Storage

/// Makes the items of inboxes: the same words whether an item is stored with its event or comes later.
package struct InboxComposer: Sendable {
    private let renderer: Renderer
    private let tenant: TenantRecord

    /// A composer of one tenant's items.
    package init(renderer: Renderer = Renderer(), tenant: TenantRecord) {
        self.renderer = renderer
        self.tenant = tenant
    }

    /// One reader's item.
    ///
    /// - Parameters:
    ///   - type: what happened.
    ///   - context: the variables.
    ///   - settings: what the tenant decided.
    ///   - audience: as whom the reader is told.
    ///   - reason: why.
    ///   - reader: the reader's name; empty if there is none.
    ///   - sourceEvent: the producer's own name for the event.
    package func item(
        _ type: NotificationType, _ context: Context, settings: TenantSettings, audience: Audience, reason: Reason,
        reader: String, sourceEvent: String
    ) throws(RenderingError) -> NewInboxItem {
        let item = try renderer.inboxItem(
            RenderingRequest(
                type: type, context: context, settings: settings, audience: audience, reason: reason,
                recipientName: reader, branding: Branding(tenant), portalURL: tenant.portalURL,
                preferencesURL: tenant.preferencesURL, sourceEvent: sourceEvent))
        return NewInboxItem(title: item.title, body: item.body, link: item.link)
    }
}
