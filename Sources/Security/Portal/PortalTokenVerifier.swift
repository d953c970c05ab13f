package import Domain
internal import FoundationEssentials
internal import JWTKit

/// Who a verified portal token speaks for.
package struct PortalIdentity: Sendable, Hashable {
    /// The tenant whose key signed it.
    package let tenant: TenantID
    /// The user.
    package let user: UserID
    /// When it stops being good: its `exp`, without the allowance for clocks.
    package let expiry: Instant
    /// What it may be used for: what its claim `scope` names of ``AccessScopes/portal``, or all of that without the claim.
    package let scopes: AccessScopes

    /// Names somebody.
    package init(tenant: TenantID, user: UserID, expiry: Instant, scopes: AccessScopes = .portal) {
        self.tenant = tenant
        self.user = user
        self.expiry = expiry
        self.scopes = scopes
    }
}

/// Why a portal token is not accepted. For the log; the caller is told one sentence for all of them.
package enum PortalTokenError: String, Error, Sendable, Hashable {
    case unknownKey = "unknown_key"
    case wrongAlgorithm = "wrong_algorithm"
    case badSignature = "bad_signature"
    case wrongIssuer = "wrong_issuer"
    case wrongAudience = "wrong_audience"
    case badSubject = "bad_subject"
    case expired
    case notYetValid = "not_yet_valid"
    case livesTooLong = "lives_too_long"
}

/// Decides whether a portal token is good. A function of its arguments; any thread.
package enum PortalTokenVerifier {
    /// What `aud` must name.
    package static let audience = "carillon-portal"
    /// The longest that a token may live.
    package static let longestLife: Int64 = 3600
    /// How far the clocks of portals may be off, in seconds.
    package static let skew: Int64 = 60

    /// Verifies a token.
    ///
    /// The algorithm is the registered key's, never the token's: `none`, `HS256` with a public key as its secret, or any
    /// other switch is refused before anything is computed.
    ///
    /// - Parameters:
    ///   - token: the token.
    ///   - tenant: the tenant that `keys` belong to.
    ///   - keys: the tenant's registered keys.
    ///   - now: the time.
    package static func verify(
        _ token: PortalToken, tenant: TenantID, keys: PortalKeySet, now: Instant
    ) throws(PortalTokenError) -> PortalIdentity {
        guard let key = keys[token.keyID] else { throw .unknownKey }
        guard token.algorithm == key.algorithm else { throw .wrongAlgorithm }
        guard (try? key.verifier.verify(token.signature, signs: token.signed)) == true else { throw .badSignature }
        let claims = token.claims
        guard claims.iss == tenant.rawValue else { throw .wrongIssuer }
        guard claims.aud.names.contains(audience) else { throw .wrongAudience }
        guard let user = UserID(claims.sub) else { throw .badSubject }
        guard let expiry = seconds(claims.exp) else { throw .livesTooLong }
        guard now.seconds < expiry + skew else { throw .expired }
        try checkBeginning(claims, expiry: expiry, now: now.seconds)
        return PortalIdentity(
            tenant: tenant, user: user, expiry: Instant(seconds: expiry), scopes: scopes(claims.scope))
    }

    /// What a claim names, word by word: what is short for several scopes elsewhere means nothing here.
    private static func scopes(_ claim: String?) -> AccessScopes {
        guard let claim else { return .portal }
        return AccessScopes(claim.split(separator: " ").compactMap { AccessScope(word: $0) }).intersection(.portal)
    }

    private static func checkBeginning(
        _ claims: PortalClaims, expiry: Int64, now: Int64
    ) throws(PortalTokenError) {
        for beginning in [claims.iat, claims.nbf] {
            guard let beginning else { continue }
            guard let begins = seconds(beginning), begins <= now + skew else { throw .notYetValid }
        }
        // Without `iat` the token is taken to be as old as it is: it may not outlive an hour from here on.
        let issued = claims.iat.flatMap(seconds) ?? now + skew
        guard expiry - issued <= longestLife, expiry <= now + longestLife + skew else { throw .livesTooLong }
    }

    /// A NumericDate (RFC 7519 §2) as whole seconds; nil when no calendar reaches it.
    private static func seconds(_ date: Double) -> Int64? {
        guard date.isFinite, (0...253_402_300_799).contains(date) else { return nil }
        return Int64(date.rounded(.down))
    }
}
