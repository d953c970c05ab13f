package import Domain
internal import FoundationEssentials
internal import JWTKit

/// A portal token (a JWT, RFC 7519) whose signature nobody has looked at yet. It is good for one thing: to find the keys
/// that it has to be verified with.
package struct PortalToken: Sendable {
    /// The longest token that is read, in octets.
    package static let greatestLength = 8 * 1024

    /// The tenant that the token says it is from.
    package let claimedTenant: TenantID
    /// The `kid`: the registered key that it says it is signed with.
    package let keyID: String
    let algorithm: String
    let claims: PortalClaims
    let signature: [UInt8]
    let signed: ArraySlice<UInt8>

    /// Reads a token; nil when it does not have the form of one.
    package init?(_ octets: [UInt8]) {
        guard octets.count <= Self.greatestLength else { return nil }
        // `alg` is an allow-list and `crit` is refused because this service knows none of its extensions (RFC 7515 §4.1.11).
        guard let parts = try? DefaultJWTParser().parse(octets, as: PortalClaims.self),
            let algorithm = parts.header.alg, let keyID = parts.header.kid, parts.header.fields["crit"] == nil,
            let tenant = TenantID(parts.payload.iss),
            let lastDot = octets.lastIndex(of: UInt8(ascii: "."))
        else { return nil }
        claimedTenant = tenant
        self.keyID = keyID
        self.algorithm = algorithm
        claims = parts.payload
        signature = Array(parts.signature)
        signed = octets[..<lastDot]
    }
}

/// The claims that count.
struct PortalClaims: JWTPayload {
    let iss: String
    let aud: Audiences
    let sub: String
    let exp: Double
    let iat: Double?
    let nbf: Double?
    /// Words with single blanks between them (RFC 8693 §4.2).
    let scope: String?

    // The library calls this when it verifies. Here the claims are checked by ``PortalTokenVerifier``, which is given the
    // time instead of reading a clock.
    func verify(using algorithm: some JWTAlgorithm) {}
}

/// The claim `aud`: one text or a list of texts (RFC 7519 §4.1.3). The library's own type traps on an empty list, which
/// anybody can send.
struct Audiences: Codable {
    let names: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let name = try? container.decode(String.self) {
            names = [name]
        } else {
            names = try container.decode([String].self)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(names)
    }
}
