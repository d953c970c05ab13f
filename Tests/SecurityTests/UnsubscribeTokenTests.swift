import Domain
import Testing

@testable import Security

@Suite("Tokens that stop mails")
struct UnsubscribeTokenTests {
    private static let token = UnsubscribeToken(
        user: UserID(unchecked: "ann@acme.example"), audience: .customer, type: TypeKey(unchecked: "invoice.created"))

    private static func key(_ tenant: String) throws -> DataKey {
        let keyring = Keyring(KeyEncryptionKey.generate().key)
        return try keyring.makeDataKey(for: tenant).key
    }

    @Test("say to their tenant what they are for, and nothing to others")
    func reading() throws {
        let (mine, other) = (try Self.key("acme"), try Self.key("acme"))
        let text = try Self.token.text(mine)
        #expect(SealedToken.tenant(of: text)?.rawValue == "acme")
        #expect(UnsubscribeToken(text, mine) == Self.token)
        #expect(UnsubscribeToken(text, other) == nil)
        #expect(!text.contains("ann") && !text.contains("invoice"))
        #expect(text.utf8.allSatisfy { UInt8(ascii: "-") <= $0 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
    }

    @Test("are the same for the same, and others for others")
    func alike() throws {
        let key = try Self.key("acme")
        #expect(try Self.token.text(key) == Self.token.text(key))
        let types = ["invoice.created", "invoice.create", "payment.failed"].map { TypeKey(unchecked: $0) }
        let users = ["ann@acme.example", "bob"].map { UserID(unchecked: $0) }
        var texts: Set<String> = []
        for type in types {
            for user in users {
                for audience in Audience.allCases {
                    texts.insert(try UnsubscribeToken(user: user, audience: audience, type: type).text(key))
                }
            }
        }
        #expect(texts.count == types.count * users.count * Audience.allCases.count)
    }

    @Test("open with no octet changed, cut or added")
    func tampering() throws {
        let key = try Self.key("acme")
        let text = try Self.token.text(key)
        for place in text.indices {
            var other = text
            other.replaceSubrange(place...place, with: text[place] == "A" ? "B" : "A")
            #expect(UnsubscribeToken(other, key) == nil, "\(place)")
        }
        for other in ["", ".", "acme", "acme.", String(text.dropLast()), text + "A", text + "=", " " + text] {
            #expect(UnsubscribeToken(other, key) == nil, "\(other)")
        }
        #expect(UnsubscribeToken("acme." + String(repeating: "A", count: 600), key) == nil)
    }

    @Test("are for nothing else that the key seals")
    func places() throws {
        let key = try Self.key("acme")
        let sealed = try key.seal(Array("\u{1}customer\ninvoice.created\nann".utf8), for: .eventContext(""))
        #expect(UnsubscribeToken("acme.\(Base64URL.text(sealed))", key) == nil)
    }

    @Test("are written as addresses can carry them", arguments: [0, 1, 2, 3, 255])
    func text(count: Int) {
        let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 250) }
        #expect(Base64URL.octets(Base64URL.text(octets)) == octets)
    }
}
