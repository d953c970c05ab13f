package import Domain

/// Everything that one recipient's message is made of.
package struct RenderingRequest: Sendable {
    /// The type of notification.
    package var type: NotificationType
    /// The event's context, secrets included where the channel is to show them.
    package var context: Context
    /// What the tenant allows to be shown outside of the portal.
    package var settings: TenantSettings
    /// As whom the recipient gets it: decides the page that the link leads to and the words of the footer.
    package var audience: Audience
    /// Why the recipient gets it, for the footer; `nil` where nobody decided, as in a preview.
    package var reason: Reason?
    /// The recipient's name; empty if it is not known.
    package var recipientName: String
    /// The recipient's time zone, for points in time.
    package var zone: ZoneRules
    /// The supplier as it shows itself.
    package var branding: Branding
    /// The portal's address, without the path of a page: https, or http on this machine.
    package var portalURL: String
    /// The page where the recipient can change what is sent.
    package var preferencesURL: String
    /// The producer's own id of what happened, for templates that name it.
    package var sourceEvent: String

    /// Gathers what a message is made of; nothing is checked before it is rendered.
    package init(
        type: NotificationType, context: Context, settings: TenantSettings = TenantSettings(), audience: Audience,
        reason: Reason? = nil, recipientName: String = "", zone: ZoneRules = .utc, branding: Branding,
        portalURL: String, preferencesURL: String, sourceEvent: String = ""
    ) {
        self.type = type
        self.context = context
        self.settings = settings
        self.audience = audience
        self.reason = reason
        self.recipientName = recipientName
        self.zone = zone
        self.branding = branding
        self.portalURL = portalURL
        self.preferencesURL = preferencesURL
        self.sourceEvent = sourceEvent
    }
}

/// The supplier as it shows itself in messages.
package struct Branding: Sendable, Hashable {
    /// The supplier's name.
    package var name: String
    /// The colour of headings' edges and of the button, `#RRGGBB`; anything else is the default. The text on it is black or
    /// white, whichever can be read better.
    package var accent: String
    /// An https address of the supplier's logo; anything else is left out.
    package var logoURL: String?
    /// Who stands behind the mail, such as a postal address; may have several lines. Empty is left out.
    package var imprint: String

    /// The accent of those who chose none.
    package static let defaultAccent = "#1F4E79"

    /// Describes a supplier.
    package init(
        name: String, accent: String = Branding.defaultAccent, logoURL: String? = nil, imprint: String = ""
    ) {
        self.name = name
        self.accent = accent
        self.logoURL = logoURL
        self.imprint = imprint
    }

    /// Whether a text is a colour that messages show: `#RRGGBB`.
    package static func isAccent(_ text: String) -> Bool { AccentColor(text) != nil }

    /// Whether a text is an address that messages show a logo from.
    package static func isLogo(_ text: String) -> Bool { SafeURL(text)?.isHTTPS == true }
}
