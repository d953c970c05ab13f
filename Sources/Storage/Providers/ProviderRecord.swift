package import Domain

/// A way to carry a channel's messages, as stored.
package struct ProviderRecord: Sendable, Hashable {
    /// Which provider.
    package let id: ProviderID
    /// The channel it carries.
    package let channel: Channel
    /// What it is, such as `smtp` or `maildir`; the form of ``config`` and of the secret depends on it.
    package let kind: String
    /// What to call it.
    package let displayName: String
    /// Order among the providers of a channel, the lowest first.
    package let priority: Int32
    /// Whether it is used.
    package let isEnabled: Bool
    /// The public part of its configuration, as JSON.
    package let config: String
    /// Whether a secret is stored.
    package let hasSecret: Bool
    /// The secret as the caller sealed it; nil if there is none, and always in lists.
    package let sealedSecret: [UInt8]?
    /// Grows with each change: the etag.
    package let revision: Int64
    /// When the provider was made.
    package let createdAt: Instant
    /// When the provider was changed last.
    package let updatedAt: Instant
}

/// What a provider shall be.
package struct ProviderWrite: Sendable, Hashable {
    /// What happens to the stored secret.
    package enum Secret: Sendable, Hashable {
        /// The stored one stays.
        case keep
        /// None is stored any more.
        case remove
        /// This one is stored. It is sealed by the caller; plain secrets never get here.
        case set([UInt8])
    }

    /// Which provider.
    package var id: ProviderID
    /// The channel it carries.
    package var channel: Channel
    /// What it is.
    package var kind: String
    /// What to call it.
    package var displayName: String
    /// Order among the providers of a channel, the lowest first.
    package var priority: Int32
    /// Whether it is used.
    package var isEnabled: Bool
    /// The public part of its configuration, a JSON object.
    package var config: String
    /// What happens to the stored secret.
    package var secret: Secret

    /// Describes a provider.
    package init(
        id: ProviderID, channel: Channel, kind: String, displayName: String = "", priority: Int32 = 0,
        isEnabled: Bool = true, config: String = "{}", secret: Secret = .keep
    ) {
        self.id = id
        self.channel = channel
        self.kind = kind
        self.displayName = displayName
        self.priority = priority
        self.isEnabled = isEnabled
        self.config = config
        self.secret = secret
    }
}
