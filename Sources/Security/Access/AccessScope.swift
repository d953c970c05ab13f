/// One thing that a credential may be used for. The set is closed: each method of the API names the scopes that open it.
package enum AccessScope: UInt8, Sendable, Hashable, CaseIterable {
    /// Publish events.
    case publish
    /// Ask whether somebody would be told.
    case check
    /// Read everything of a tenant, and change nothing.
    case read
    /// Read and change accounts and users.
    case accounts
    /// Read and change what people choose.
    case preferences
    /// Read and change what can be notified, and what the tenant has set.
    case catalog
    /// Read and change providers.
    case providers
    /// Read the user's own inbox and mark what is in it.
    case inbox
    /// Administer all tenants.
    case platform

    /// How it is written where scopes are texts: in the registry, in portal tokens, on the command line and in errors.
    package var word: String {
        switch self {
        case .publish: "publish"
        case .check: "check"
        case .read: "read"
        case .accounts: "accounts"
        case .preferences: "preferences"
        case .catalog: "catalog"
        case .providers: "providers"
        case .inbox: "inbox"
        case .platform: "operator"
        }
    }

    /// The scope of that word; nil for every other text.
    package init?(word: some StringProtocol) {
        guard let scope = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = scope
    }
}
