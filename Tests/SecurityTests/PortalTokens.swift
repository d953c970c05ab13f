import Crypto
import CryptoExtras
import Domain
import Foundation
import Security

/// Makes portal tokens of every kind, good and bad ones, without the library under test.
struct TokenMaker {
    let ecdsa = P256.Signing.PrivateKey()
    let edwards = Curve25519.Signing.PrivateKey()
    let rsa: _RSA.Signing.PrivateKey

    static let shared = Result { try TokenMaker() }

    private init() throws {
        rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    }

    static func base64URL(_ octets: some Sequence<UInt8>) -> String {
        Data(octets).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    /// The public keys as a JWK Set, one of each kind: `ec`, `ed` and `rsa`.
    func keySet() throws -> String {
        let primitives = try rsa.publicKey.getKeyPrimitives()
        return
            #"{"keys": [\#(ecdsaKey), \#(edwardsKey), {"kty": "RSA", "kid": "rsa", "n": "\#(Self.base64URL(primitives.modulus))", "#
            + #""e": "\#(Self.base64URL(primitives.publicExponent))"}]}"#
    }

    var ecdsaKey: String {
        let point = ecdsa.publicKey.rawRepresentation
        return
            #"{"kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "use": "sig", "x": "\#(Self.base64URL(point.prefix(32)))", "#
            + #""y": "\#(Self.base64URL(point.suffix(32)))"}"#
    }

    var edwardsKey: String {
        #"{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "\#(Self.base64URL(edwards.publicKey.rawRepresentation))"}"#
    }

    /// How a token is signed, whatever its header says.
    enum Signature {
        case ecdsa, edwards, rsa, nothing
        case hmac([UInt8])
    }

    func token(_ header: String, _ claims: String, _ signature: Signature) throws -> String {
        let signed = "\(Self.base64URL(header.utf8)).\(Self.base64URL(claims.utf8))"
        let octets = Data(signed.utf8)
        let bytes: Data =
            switch signature {
            case .ecdsa: try ecdsa.signature(for: octets).rawRepresentation
            case .edwards: try edwards.signature(for: octets)
            case .rsa: try rsa.signature(for: SHA256.hash(data: octets), padding: .insecurePKCS1v1_5).rawRepresentation
            case .nothing: Data()
            case .hmac(let key): Data(HMAC<SHA256>.authenticationCode(for: octets, using: SymmetricKey(data: key)))
            }
        return "\(signed).\(Self.base64URL(bytes))"
    }

    static func claims(
        iss: String = #""acme""#, aud: String = #""carillon-portal""#, sub: String = #""ann""#, exp: String = "1300",
        more: String = #", "iat": 1000"#
    ) -> String {
        #"{"iss": \#(iss), "aud": \#(aud), "sub": \#(sub), "exp": \#(exp)\#(more)}"#
    }
}
