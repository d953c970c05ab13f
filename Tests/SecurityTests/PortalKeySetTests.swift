import Security
import Testing

@Suite("Portal key sets")
struct PortalKeySetTests {
    @Test("keep their keys in order, and what is stored is read again")
    func registration() async throws {
        let set = try await PortalKeySet.parse(TokenMaker.shared.get().keySet())
        #expect(set.keys.map(\.id) == ["ec", "ed", "rsa"])
        #expect(set.keys.map(\.algorithm) == ["ES256", "EdDSA", "RS256"])
        let again = try await PortalKeySet.parse(stored: set.keys.map(\.json))
        #expect(again.keys.map(\.json) == set.keys.map(\.json))
        #expect(try await PortalKeySet.parse(#"{"keys": []}"#).keys.isEmpty)
    }

    /// An RSA key of a modulus with that many bits, which is odd and no more than that, and an exponent.
    private static func rsa(bits: Int, zeros: Int = 0, exponent: [UInt8] = [1, 0, 1]) -> String {
        var octets = [UInt8](repeating: 0xff, count: (bits + 7) / 8)
        octets[0] >>= UInt8(octets.count * 8 - bits)
        let n = TokenMaker.base64URL([UInt8](repeating: 0, count: zeros) + octets)
        return #"{"kty": "RSA", "kid": "r", "n": "\#(n)", "e": "\#(TokenMaker.base64URL(exponent))"}"#
    }

    @Test("take RSA keys of 2048 to 4096 bits, as they count and not as they are written")
    func sizes() async throws {
        for bits in [2048, 3072, 4096] { _ = try await PortalKeySet.parse(Self.set(Self.rsa(bits: bits))) }
        for (key, word) in [
            (Self.rsa(bits: 1024), "2048"), (Self.rsa(bits: 2047), "2048"), (Self.rsa(bits: 1024, zeros: 128), "2048"),
            (Self.rsa(bits: 4097), "2048"), (Self.rsa(bits: 2048, exponent: [1]), "exponent"),
            (Self.rsa(bits: 2048, exponent: [0, 0, 1]), "exponent"), (Self.rsa(bits: 2048, exponent: [4]), "exponent"),
            (Self.rsa(bits: 2048, exponent: []), "exponent"),
        ] {
            let error = await #expect(throws: PortalKeyError.self) { _ = try await PortalKeySet.parse(Self.set(key)) }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
    }

    private static func set(_ key: String) -> String { #"{"keys": [\#(key)]}"# }

    @Test("are refused as a whole when a key is wrong")
    func refusals() async throws {
        let maker = try TokenMaker.shared.get()
        let good = maker.ecdsaKey
        let cases: [(String, String)] = [
            ("", "JWK Set"), ("[]", "JWK Set"), ("{}", "JWK Set"), (Self.set("7"), "JWK Set"),
            (Self.set(good.replacing(#""kid": "ec", "#, with: "")), "kid"),
            (Self.set(good.replacing(#""kid": "ec""#, with: #""kid": "a b""#)), "kid"),
            (Self.set(good.replacing(#""use": "sig""#, with: #""use": "enc""#)), "signatures"),
            (Self.set(good.replacing(#""use": "sig""#, with: #""d": "AAAA""#)), "secret"),
            (Self.set(good.replacing("ES256", with: "HS256")), "alg"),
            (Self.set(good.replacing("ES256", with: "ES384")), "alg"),
            (Self.set(good.replacing("P-256", with: "P-384")), "not one of"),
            (Self.set(good.replacing(#""x": ""#, with: #""x": "AAAA"#)), "valid"),
            (Self.set(#"{"kty": "oct", "kid": "h", "k": "c2VjcmV0"}"#), "secret"),
            (Self.set(#"{"kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB"}"#), "2048"),
            (Self.set("\(good), \(good)"), "same kid"),
            (Self.set(Array(repeating: good, count: 6).joined(separator: ",")), "at most 5"),
            (Self.set(String(repeating: " ", count: 40_000)), "32 KiB"),
        ]
        for (json, words) in cases {
            let error = await #expect(throws: PortalKeyError.self, "\(json.prefix(80))") {
                _ = try await PortalKeySet.parse(json)
            }
            #expect(error?.description.contains(words) == true, "\(String(describing: error)) for \(json.prefix(80))")
        }
    }
}
