import Domain
import Testing

@testable import Security

@Suite("Tokens that confirm addresses")
struct ConfirmationTokenTests {
    private static let token = ConfirmationToken(
        user: UserID(unchecked: "ann"), address: Address(.email, "own@home.example"), expiry: Instant(seconds: 1_000))

    private static func key(_ tenant: String) throws -> DataKey {
        try Keyring(KeyEncryptionKey.generate().key).makeDataKey(for: tenant).key
    }

    @Test("say to their tenant what they are for, and nothing to others")
    func reading() throws {
        let (mine, other) = (try Self.key("acme"), try Self.key("acme"))
        let text = try Self.token.text(mine)
        #expect(SealedToken.tenant(of: text)?.rawValue == "acme")
        #expect(ConfirmationToken(text, mine) == Self.token)
        #expect(ConfirmationToken(text, other) == nil)
        #expect(!text.contains("ann") && !text.contains("home"))
        #expect(try Self.token.text(mine) == text)
    }

    @Test("open with no octet changed, cut or added")
    func tampering() throws {
        let key = try Self.key("acme")
        let text = try Self.token.text(key)
        for place in text.indices {
            var other = text
            other.replaceSubrange(place...place, with: text[place] == "A" ? "B" : "A")
            #expect(ConfirmationToken(other, key) == nil, "\(place)")
        }
        for other in ["", ".", "acme.", String(text.dropLast()), text + "A", " " + text] {
            #expect(ConfirmationToken(other, key) == nil, "\(other)")
        }
    }

    @Test("stop no mails, and those that do confirm nothing")
    func purposes() throws {
        let key = try Self.key("acme")
        let stop = UnsubscribeToken(
            user: Self.token.user, audience: .customer, type: TypeKey(unchecked: "invoice.created"))
        #expect(ConfirmationToken(try stop.text(key), key) == nil)
        #expect(UnsubscribeToken(try Self.token.text(key), key) == nil)
    }

    @Test("hold the longest addresses of the longest users")
    func length() throws {
        let key = try Self.key(String(repeating: "a", count: 25))
        let local = String(repeating: "x", count: 64)
        let domain = String(repeating: "y", count: 254 - 65)
        let token = ConfirmationToken(
            user: UserID(unchecked: String(repeating: "u", count: 64)), address: Address(.email, "\(local)@\(domain)"),
            expiry: Instant(microseconds: .max))
        let text = try token.text(key)
        #expect(text.utf8.count <= ConfirmationToken.greatestLength && ConfirmationToken(text, key) == token)
    }
}
