internal import Domain
internal import Postgres

/// A key with which a tenant signs its portal's tokens.
package struct PortalKey: Sendable, Hashable {
    /// The name that tokens give it.
    package let kid: String
    /// The public key as a JSON Web Key.
    package let jwk: String

    /// Makes a key.
    package init(kid: String, jwk: String) {
        self.kid = kid
        self.jwk = jwk
    }
}

extension PortalKey {
    /// The query that stores keys.
    static func insertion(of keys: [PortalKey], tenant: TenantID, now: Instant) -> Query {
        Query(
            PortalKeyStatements.add,
            [.text(tenant), .textArray(keys.map(\.kid)), .textArray(keys.map(\.jwk)), .timestamp(now)])
    }
}
