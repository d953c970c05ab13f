/// Several scopes as one number, so that whether a call is allowed costs one instruction.
package struct AccessScopes: OptionSet, Sendable, Hashable {
    /// One bit for each scope, at the place of its raw value.
    package let rawValue: UInt32

    /// Takes the bits as they are.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// These scopes.
    package init(_ scopes: AccessScope...) {
        self.init(scopes)
    }

    /// These scopes.
    package init(_ scopes: some Sequence<AccessScope>) {
        rawValue = scopes.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
    }

    /// The word for everything that a tenant's programs may do, with what later versions add to it.
    package static let tenantWord = "tenant"

    /// What ``tenantWord`` stands for.
    package static let tenant = AccessScopes(
        .publish, .check, .read, .accounts, .preferences, .catalog, .providers)
    /// What a portal token may be used for at most, and is when it does not say.
    package static let portal = AccessScopes(.inbox, .preferences)

    /// The scopes of some words. A word that is not known opens nothing: a later version may have written it.
    package init(words: some Sequence<some StringProtocol>) {
        var scopes = AccessScopes()
        for word in words {
            if word == Self.tenantWord {
                scopes.formUnion(.tenant)
            } else if let scope = AccessScope(word: word) {
                scopes.formUnion(AccessScopes(scope))
            }
        }
        self = scopes
    }

    /// The scopes one by one, in the order of their declaration.
    package var all: [AccessScope] { AccessScope.allCases.filter { contains(AccessScopes($0)) } }
}
