internal import FoundationEssentials
internal import JWTKit

/// A JWK Set as it is sent.
struct WebKeySet: Decodable {
    let keys: [WebKey]
}

/// The members of a JWK (RFC 7517, 7518, 8037) that matter here.
struct WebKey: Codable {
    let kty: String
    let kid: String?
    let alg: String?
    let use: String?
    let crv: String?
    let x: String?
    let y: String?
    let n: String?
    let e: String?
    // Only private and symmetric keys have these; they are read so that they can be refused.
    private(set) var d: String?
    private(set) var k: String?

    /// Checks the key and makes it ready to verify.
    func registered(at place: Int) async throws(PortalKeyError) -> PortalKeySet.Key {
        let field = "keys[\(place)]"
        guard let kid, (1...128).contains(kid.utf8.count), kid.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw PortalKeyError("\(field) has no kid of 1 to 128 visible ASCII characters")
        }
        guard d == nil, k == nil else {
            throw PortalKeyError("\(field) holds a secret; register public keys only, and replace this one")
        }
        guard use == nil || use == "sig" else { throw PortalKeyError("\(field) is not for signatures") }
        let (algorithm, key) = try webKey(kid, field)
        guard alg == nil || alg == algorithm.rawValue else {
            throw PortalKeyError("\(field) has an alg that does not fit; \(algorithm.rawValue) does")
        }
        do {
            // The library makes verifiers only inside of its collections.
            let verifier = try await JWTKeyCollection().add(jwk: key).getKey(for: JWKIdentifier(string: kid))
            return PortalKeySet.Key(
                id: kid, algorithm: algorithm.rawValue, json: canonical(kid, algorithm.rawValue), verifier: verifier)
        } catch {
            throw PortalKeyError("\(field) is not a valid key of its type")
        }
    }

    private func webKey(_ kid: String, _ field: String) throws(PortalKeyError) -> (JWK.Algorithm, JWK) {
        let identifier = JWKIdentifier(string: kid)
        switch (kty, crv) {
        case ("EC", "P-256"):
            return (.es256, .ecdsa(.es256, identifier: identifier, x: x, y: y, curve: .p256))
        case ("OKP", "Ed25519"):
            return (.eddsa, .octetKeyPair(.eddsa, identifier: identifier, x: x, y: nil, curve: .ed25519))
        case ("RSA", _):
            // Shorter moduli can be factored; longer ones make each look at a token dear.
            guard let n, n.utf8.count <= 700, let bits = Self.bits(n), (2048...4096).contains(bits) else {
                throw PortalKeyError("\(field) has a modulus that is not of 2048 to 4096 bits")
            }
            // With the exponent 1 every text signs itself.
            guard let e, e.utf8.count <= 8, let octets = Self.octets(e), let last = octets.last, last & 1 == 1,
                Self.bits(e).map({ $0 > 1 }) == true
            else { throw PortalKeyError("\(field) has an exponent that is not an odd number from 3") }
            return (.rs256, .rsa(.rs256, identifier: identifier, modulus: n, exponent: e))
        default:
            throw PortalKeyError("\(field) is not one of EC P-256 (ES256), OKP Ed25519 (EdDSA) and RSA (RS256)")
        }
    }

    /// The octets that a member in base64 without padding (RFC 7515 §2) stands for.
    private static func octets(_ member: String) -> [UInt8]? {
        let standard = member.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard + padding).map { Array($0) }
    }

    /// How many bits a number in base64 has, leading zeros not counted.
    private static func bits(_ member: String) -> Int? {
        octets(member).map { octets in
            let digits = octets.drop { $0 == 0 }
            return digits.count * 8 - (digits.first?.leadingZeroBitCount ?? 0)
        }
    }

    private func canonical(_ kid: String, _ algorithm: String) -> String {
        let key = WebKey(kty: kty, kid: kid, alg: algorithm, use: "sig", crv: crv, x: x, y: y, n: n, e: e)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(key)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
