import Crypto
import Domain
import Security
import Testing

@Suite("Portal tokens")
struct PortalTokenTests {
    private static let tenant = TenantID(unchecked: "acme")
    private static let es256 = #"{"alg": "ES256", "kid": "ec", "typ": "JWT"}"#

    /// Verifies at second 1000 unless told otherwise.
    private static func verify(_ token: String, at now: Int64 = 1000) async throws -> PortalIdentity {
        let keys = try await PortalKeySet.parse(TokenMaker.shared.get().keySet())
        guard let parsed = PortalToken(Array(token.utf8)) else { throw Malformed() }
        return try PortalTokenVerifier.verify(parsed, tenant: tenant, keys: keys, now: Instant(seconds: now))
    }

    private struct Malformed: Error {}

    @Test(
        "with each of the three algorithms are good",
        arguments: [
            (#"{"alg": "ES256", "kid": "ec"}"#, TokenMaker.Signature.ecdsa),
            (#"{"alg": "EdDSA", "kid": "ed"}"#, .edwards), (#"{"alg": "RS256", "kid": "rsa"}"#, .rsa),
        ])
    func good(header: String, signature: TokenMaker.Signature) async throws {
        let token = try TokenMaker.shared.get().token(header, TokenMaker.claims(), signature)
        let identity = try await Self.verify(token)
        #expect(
            identity
                == PortalIdentity(
                    tenant: Self.tenant, user: UserID(unchecked: "ann"), expiry: Instant(seconds: 1300)))
        #expect(PortalToken(Array(token.utf8))?.claimedTenant == Self.tenant)
    }

    @Test("of another algorithm than their key's are refused, whatever signed them")
    func algorithmConfusion() async throws {
        let maker = try TokenMaker.shared.get()
        let publicKey = Array(maker.ecdsa.publicKey.pemRepresentation.utf8)
        let raw = Array(maker.ecdsa.publicKey.rawRepresentation)
        let cases: [(String, TokenMaker.Signature)] = [
            (#"{"alg": "none", "kid": "ec"}"#, .nothing), (#"{"alg": "None", "kid": "ec"}"#, .nothing),
            (#"{"alg": "HS256", "kid": "ec"}"#, .hmac(publicKey)), (#"{"alg": "HS256", "kid": "ec"}"#, .hmac(raw)),
            (#"{"alg": "HS256", "kid": "ec"}"#, .hmac([])), (#"{"alg": "RS256", "kid": "ec"}"#, .rsa),
            (#"{"alg": "ES256", "kid": "ed"}"#, .ecdsa), (#"{"alg": "EdDSA", "kid": "ec"}"#, .edwards),
        ]
        for (header, signature) in cases {
            let token = try maker.token(header, TokenMaker.claims(), signature)
            await #expect(throws: PortalTokenError.wrongAlgorithm, "\(header)") { try await Self.verify(token) }
        }
    }

    @Test("whose signature is missing, another key's or another token's are refused")
    func signatures() async throws {
        let maker = try TokenMaker.shared.get()
        for signature in [TokenMaker.Signature.nothing, .edwards, .hmac([1])] {
            let token = try maker.token(Self.es256, TokenMaker.claims(), signature)
            await #expect(throws: PortalTokenError.badSignature) { try await Self.verify(token) }
        }
        let good = try maker.token(Self.es256, TokenMaker.claims(), .ecdsa).split(separator: ".")
        let other = try maker.token(Self.es256, TokenMaker.claims(sub: #""bob""#), .ecdsa).split(separator: ".")
        let mixed = "\(good[0]).\(other[1]).\(good[2])"
        await #expect(throws: PortalTokenError.badSignature) { try await Self.verify(mixed) }
    }

    @Test(
        "with wrong claims are refused",
        arguments: [
            (TokenMaker.claims(iss: #""other""#), PortalTokenError.wrongIssuer),
            (TokenMaker.claims(aud: #""carillon""#), .wrongAudience),
            (TokenMaker.claims(aud: #"["a", "b"]"#), .wrongAudience),
            (TokenMaker.claims(aud: "[]"), .wrongAudience),
            (TokenMaker.claims(sub: #""""#), .badSubject), (TokenMaker.claims(sub: #""a b""#), .badSubject),
            (TokenMaker.claims(exp: "900", more: ""), .expired),
            (TokenMaker.claims(exp: "940", more: #", "iat": 900"#), .expired),
            (TokenMaker.claims(exp: "1e300"), .livesTooLong), (TokenMaker.claims(exp: "-5"), .livesTooLong),
            (TokenMaker.claims(exp: "4601"), .livesTooLong),
            (TokenMaker.claims(exp: "4661", more: ""), .livesTooLong),
            (TokenMaker.claims(exp: "4700", more: #", "iat": 1060"#), .livesTooLong),
            (TokenMaker.claims(exp: "2000", more: #", "iat": 1061"#), .notYetValid),
            (TokenMaker.claims(exp: "2000", more: #", "iat": 1000, "nbf": 1061"#), .notYetValid),
            (TokenMaker.claims(exp: "2000", more: #", "nbf": 1e300"#), .notYetValid),
        ])
    func claims(_ claims: String, _ error: PortalTokenError) async throws {
        let token = try TokenMaker.shared.get().token(Self.es256, claims, .ecdsa)
        await #expect(throws: error, "\(claims)") { try await Self.verify(token) }
    }

    @Test(
        "at the edges of what is allowed are good",
        arguments: [
            TokenMaker.claims(exp: "941", more: ""), TokenMaker.claims(exp: "4600"),
            TokenMaker.claims(exp: "4660", more: ""), TokenMaker.claims(exp: "1500", more: #", "iat": 1060"#),
            TokenMaker.claims(aud: #"["else", "carillon-portal"]"#),
            TokenMaker.claims(exp: "1300.5", more: #", "iat": 1000.25, "nbf": 1060, "jti": "x", "extra": {"a": [1]}"#),
        ])
    func edges(_ claims: String) async throws {
        let token = try TokenMaker.shared.get().token(Self.es256, claims, .ecdsa)
        #expect(try await Self.verify(token).user.rawValue == "ann")
    }

    @Test(
        "are for what they say, or for all that portals may do",
        arguments: [
            ("", AccessScopes.portal), (#", "scope": "inbox""#, AccessScopes(.inbox)),
            (#", "scope": "preferences inbox""#, AccessScopes.portal),
            (#", "scope": "preferences openid""#, AccessScopes(.preferences)), (#", "scope": """#, AccessScopes()),
            (#", "scope": "publish operator tenant read""#, AccessScopes()),
            (#", "scope": "INBOX inbox,preferences""#, AccessScopes()),
        ])
    func scopes(claim: String, scopes: AccessScopes) async throws {
        let token = try TokenMaker.shared.get().token(
            Self.es256, TokenMaker.claims(more: #", "iat": 1000"# + claim), .ecdsa)
        #expect(try await Self.verify(token).scopes == scopes)
    }

    @Test("whose scope is no text are none", arguments: ["7", #"["inbox"]"#, "{}", "true"])
    func wrongScopes(claim: String) async throws {
        let token = try TokenMaker.shared.get().token(
            Self.es256, TokenMaker.claims(more: #", "scope": "# + claim), .ecdsa)
        #expect(PortalToken(Array(token.utf8)) == nil)
    }

    @Test("of unknown or missing kid are refused, and so are critical extensions")
    func kid() async throws {
        let maker = try TokenMaker.shared.get()
        let unknown = try maker.token(#"{"alg": "ES256", "kid": "e"}"#, TokenMaker.claims(), .ecdsa)
        await #expect(throws: PortalTokenError.unknownKey) { try await Self.verify(unknown) }
        for header in [#"{"alg": "ES256"}"#, #"{"kid": "ec"}"#, #"{"alg": "ES256", "kid": "ec", "crit": ["b64"]}"#] {
            let token = try maker.token(header, TokenMaker.claims(), .ecdsa)
            #expect(PortalToken(Array(token.utf8)) == nil, "\(header)")
        }
    }

    @Test("without an expiry, or of another form, are none")
    func malformed() throws {
        let maker = try TokenMaker.shared.get()
        let noExpiry = try maker.token(Self.es256, #"{"iss": "acme", "aud": "carillon-portal", "sub": "ann"}"#, .ecdsa)
        let texts = [
            noExpiry, "", ".", "..", "a.b.c", "a.b.c.d", String(repeating: "a", count: 9000),
            try maker.token(Self.es256, TokenMaker.claims(iss: #""Acme; DROP""#), .ecdsa),
            try maker.token("[]", TokenMaker.claims(), .ecdsa), try maker.token(Self.es256, "7", .ecdsa),
            String(repeating: "[", count: 4000) + "..",
        ]
        for text in texts { #expect(PortalToken(Array(text.utf8)) == nil, "\(text.prefix(40))") }
    }

    @Test("changed in any one octet are refused, and nothing traps")
    func mutations() async throws {
        let maker = try TokenMaker.shared.get()
        let token = Array(try maker.token(#"{"alg": "EdDSA", "kid": "ed"}"#, TokenMaker.claims(), .edwards).utf8)
        let keys = try await PortalKeySet.parse(maker.keySet())
        // The last character of a signature carries bits that base64 passes over.
        for place in token.indices.dropLast() {
            for octet in [UInt8(ascii: "A"), UInt8(ascii: "."), 0x00, 0xff] where octet != token[place] {
                var changed = token
                changed[place] = octet
                guard let parsed = PortalToken(changed) else { continue }
                #expect(throws: PortalTokenError.self, "\(place)") {
                    try PortalTokenVerifier.verify(
                        parsed, tenant: Self.tenant, keys: keys, now: Instant(seconds: 1000))
                }
            }
        }
    }
}
