/// A mail's words.
package struct RenderedEmail: Sendable, Hashable {
    /// One line without control characters, at most 200 characters.
    package let subject: String
    /// The whole as plain text, lines ended by LF.
    package let text: String
    /// The whole as HTML.
    package let html: String
    /// The page that the button leads to.
    package let link: String
}

/// The words of an item of the portal's inbox; plain text, to be escaped by whoever shows it.
package struct RenderedInboxItem: Sendable, Hashable {
    /// One line without control characters, at most 200 characters.
    package let title: String
    /// The details, a line each; may be empty.
    package let body: String
    /// The page that the item leads to.
    package let link: String
}

/// Why a message cannot be rendered. The description holds no values.
package enum RenderingError: String, Error, Sendable, Hashable, CustomStringConvertible {
    /// The portal's address, or the page made of it, is not https (or http on this machine), or has characters that no
    /// URL has.
    case unsafePortalURL = "unsafe_portal_url"
    /// The same of the page where preferences are changed.
    case unsafePreferencesURL = "unsafe_preferences_url"
    /// The result is larger than a message may be.
    case tooLarge = "too_large"

    package var description: String { rawValue }
}
