import Foundation
import Security
import Testing

@Suite("Sealing")
struct SealingTests {
    private static func ring(_ octet: UInt8 = 1) throws -> Keyring {
        Keyring(try #require(KeyEncryptionKey(octets: [UInt8](repeating: octet, count: 32))))
    }

    private static let place = SealedPlace.providerSecret("main")
    private static let plain = Array("a password".utf8)

    @Test("what is sealed opens in its place, and twice sealed is two values")
    func roundTrip() throws {
        let key = try Self.ring().makeDataKey(for: "acme").key
        let first = try key.seal(Self.plain, for: Self.place)
        let second = try key.seal(Self.plain, for: Self.place)
        #expect(first != second)
        #expect(try key.open(first, from: Self.place) == Self.plain)
        #expect(try key.open(key.seal([], for: Self.place), from: Self.place).isEmpty)
    }

    @Test(
        "it opens nowhere else",
        arguments: [
            SealedPlace.providerSecret("other"), .eventContext("main"),
            SealedPlace(table: "provider", id: "main", column: "config"),
            SealedPlace(table: "providermain", id: "", column: "sealed_secret"),
        ])
    func place(_ other: SealedPlace) throws {
        let key = try Self.ring().makeDataKey(for: "acme").key
        let sealed = try key.seal(Self.plain, for: Self.place)
        #expect(throws: SecretError.self) { try key.open(sealed, from: other) }
    }

    @Test("another tenant's key does not open it, not even the same key under another name")
    func tenant() throws {
        let ring = try Self.ring()
        let (key, wrapped) = try ring.makeDataKey(for: "acme")
        let sealed = try key.seal(Self.plain, for: Self.place)
        let other = try ring.makeDataKey(for: "other").key
        #expect(throws: SecretError.self) { try other.open(sealed, from: Self.place) }
        #expect(throws: SecretError.self) { try ring.unwrap(wrapped, for: "other") }
    }

    @Test("every changed octet is noticed")
    func tampering() throws {
        let (key, wrapped) = try Self.ring().makeDataKey(for: "acme")
        let sealed = try key.seal(Self.plain, for: Self.place)
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 1
            #expect(throws: SecretError.self) { try key.open(changed, from: Self.place) }
        }
        for place in wrapped.indices {
            var changed = wrapped
            changed[place] ^= 1
            #expect(throws: SecretError.self) { try Self.ring().unwrap(changed, for: "acme") }
        }
        #expect(throws: SecretError.self) { try key.open([], from: Self.place) }
        #expect(throws: SecretError.self) { try key.open(Array(sealed.prefix(20)), from: Self.place) }
    }

    @Test("a wrapped key opens with any ring that holds its key")
    func rotation() throws {
        let old = try #require(KeyEncryptionKey(octets: [UInt8](repeating: 1, count: 32)))
        let new = try #require(KeyEncryptionKey(octets: [UInt8](repeating: 2, count: 32)))
        let (key, wrapped) = try Keyring(old).makeDataKey(for: "acme")
        let sealed = try key.seal(Self.plain, for: Self.place)
        let rotated = Keyring(new, [old])
        #expect(try rotated.unwrap(wrapped, for: "acme").open(sealed, from: Self.place) == Self.plain)
        let (_, rewrapped) = try rotated.makeDataKey(for: "acme")
        #expect(Array(rewrapped.prefix(8)) == new.id)
        let error = #expect(throws: SecretError.self) { try Keyring(new).unwrap(wrapped, for: "acme") }
        #expect(error?.code == .unknownKey)
    }

    @Test("wrapping anew keeps the data key, and is done once")
    func rewrapping() throws {
        let old = try #require(KeyEncryptionKey(octets: [UInt8](repeating: 1, count: 32)))
        let new = try #require(KeyEncryptionKey(octets: [UInt8](repeating: 2, count: 32)))
        let both = Keyring(new, [old])
        #expect(both.ids == [new.id, old.id])
        let (key, wrapped) = try Keyring(old).makeDataKey(for: "acme")
        let sealed = try key.seal(Self.plain, for: Self.place)
        let again = try #require(try both.rewrap(wrapped, for: "acme"))
        #expect(again.starts(with: new.id))
        #expect(try Keyring(new).unwrap(again, for: "acme").open(sealed, from: Self.place) == Self.plain)
        #expect(try both.rewrap(again, for: "acme") == nil)
        // What the old key seals can be taken back to it.
        let back = try #require(try Keyring(old, [new]).rewrap(again, for: "acme"))
        #expect(try Keyring(old).unwrap(back, for: "acme").open(sealed, from: Self.place) == Self.plain)

        func code(_ ring: Keyring, _ wrapped: [UInt8], _ tenant: String) -> SecretError.Code? {
            #expect(throws: SecretError.self) { try ring.rewrap(wrapped, for: tenant) }?.code
        }
        #expect(code(Keyring(new), wrapped, "acme") == .unknownKey)
        #expect(code(both, wrapped, "other") == .notAuthentic)
        #expect(code(both, Array(wrapped.dropLast()), "acme") == .notAuthentic)
        #expect(code(both, [], "acme") == .malformedBox)
    }

    @Test("a key file is read by lines, and says which line is wrong")
    func keyFile() throws {
        let (first, line) = KeyEncryptionKey.generate()
        let (second, older) = KeyEncryptionKey.generate()
        #expect(first.id != second.id)
        let ring = try Keyring(fileText: "# made today\n\(line)\r\n\n  \(older)\n")
        #expect(Array(try ring.makeDataKey(for: "acme").wrapped.prefix(8)) == first.id)
        #expect(throws: SecretError.self) { try Keyring(fileText: "") }
        #expect(throws: SecretError.self) { try Keyring(fileText: "# nothing\n") }
        let error = #expect(throws: SecretError.self) {
            try Keyring(fileText: "\(line)\n\(Data([1, 2, 3]).base64EncodedString())")
        }
        #expect(error?.description.contains("line 2") == true)
        #expect(KeyEncryptionKey(octets: [1]) == nil)
    }
}
