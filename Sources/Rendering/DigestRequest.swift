package import Domain

/// Everything that one person's digest is made of.
package struct DigestRequest: Sendable {
    /// What is shown, the most important first.
    package var entries: [DigestEntry]
    /// How many notifications it tells of, those that are not shown included.
    package var count: Int
    /// Whether some of them cannot be turned off.
    package var hasMandatory: Bool
    /// The recipient's name; empty if it is not known.
    package var recipientName: String
    /// The recipient's time zone, for points in time.
    package var zone: ZoneRules
    /// The supplier as it shows itself.
    package var branding: Branding
    /// The portal's address: https, or http on this machine.
    package var portalURL: String
    /// The page where the recipient can change what is sent, and how often.
    package var preferencesURL: String

    /// Gathers what a digest is made of; nothing is checked before it is rendered.
    package init(
        entries: [DigestEntry], count: Int, hasMandatory: Bool = false, recipientName: String = "",
        zone: ZoneRules = .utc, branding: Branding, portalURL: String, preferencesURL: String
    ) {
        self.entries = entries
        self.count = count
        self.hasMandatory = hasMandatory
        self.recipientName = recipientName
        self.zone = zone
        self.branding = branding
        self.portalURL = portalURL
        self.preferencesURL = preferencesURL
    }
}

/// One notification as a digest shows it: a line, and the page that it leads to. Made by ``Renderer/digestEntry(_:at:)``.
package struct DigestEntry: Sendable {
    /// The heading that it stands under.
    let category: String
    /// What it is, where the line does not say it.
    let kind: String
    /// What it is about, masked as the channel asks.
    let line: String
    /// The page in the portal.
    let link: String
    /// When it happened.
    let time: Instant
    /// Whether the channel may not show something of it.
    let isAnythingHidden: Bool
}
