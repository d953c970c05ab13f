import Security
import Testing

@Suite("API keys")
struct APIKeyTests {
    /// A source of numbers that is the same on every run (SplitMix64).
    private static func numbers(_ seed: UInt64) -> () -> UInt64 {
        var state = seed
        return {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }

    private static func key(_ kind: APIKey.Kind = .live, seed: UInt64 = 1) -> APIKey {
        APIKey.generate(kind, randomness: numbers(seed))
    }

    @Test("have the documented form", arguments: [(APIKey.Kind.live, "cr_live_"), (.admin, "cr_adm_")])
    func form(kind: APIKey.Kind, prefix: String) throws {
        let text = Self.key(kind).text
        #expect(text.hasPrefix(prefix))
        let parts = text.dropFirst(prefix.count).split(separator: "_", omittingEmptySubsequences: false)
        #expect(parts.map(\.count) == [10, 32, 6])
        #expect(parts.joined().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }

    @Test("are read back as they were made")
    func roundTrip() throws {
        for seed in 0..<50 {
            let key = Self.key(seed.isMultiple(of: 2) ? .live : .admin, seed: UInt64(seed))
            let read = try #require(APIKey(Array(key.text.utf8)))
            #expect(read == key)
            #expect(read.matches(hash: key.secretHash))
        }
    }

    @Test("a checksum made elsewhere is the same")
    func knownChecksum() {
        // CRC32 of "cr_live_0000000000_" and 32 zeros by another program (zlib.crc32) is 0x4297b333.
        let zeros = String(repeating: "0", count: 32)
        #expect(APIKey.generate(.live, randomness: { 0 }).text == "cr_live_0000000000_\(zeros)_1Dboep")
    }

    @Test("any one changed, missing or added character is refused")
    func strictness() {
        let text = Array(Self.key().text.utf8)
        for place in text.indices {
            var changed = text
            changed[place] = changed[place] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
            #expect(APIKey(changed) == nil, "place \(place)")
            var shorter = text
            shorter.remove(at: place)
            #expect(APIKey(shorter) == nil, "without place \(place)")
        }
        #expect(APIKey(text + [UInt8(ascii: "0")]) == nil)
        #expect(APIKey([UInt8(ascii: " ")] + text) == nil)
        #expect(APIKey([UInt8]()) == nil)
        #expect(APIKey([UInt8](repeating: 0xff, count: 100_000)) == nil)
    }

    @Test("a secret matches its own hash only")
    func hashes() {
        let key = Self.key()
        #expect(key.secretHash.count == 32)
        #expect(!key.matches(hash: Self.key(seed: 2).secretHash))
        #expect(!key.matches(hash: []))
        #expect(!key.matches(hash: Array(key.secretHash.dropLast())))
    }

    @Test("the description shows the id and not the secret")
    func description() {
        let key = Self.key()
        #expect("\(key)" == "cr_live_\(key.keyID)_…")
        #expect(key.text.split(separator: "_")[3].hasSuffix(key.lastFour))
    }

    @Test("all 62 characters are about equally likely")
    func evenness() {
        var counts: [Character: Int] = [:]
        for seed in 0..<600 {
            for character in Self.key(seed: UInt64(seed)).text.split(separator: "_")[3] {
                counts[character, default: 0] += 1
            }
        }
        // 19,200 characters make about 310 of each; five deviations are 88.
        #expect(counts.count == 62)
        #expect(counts.values.allSatisfy { (222...398).contains($0) }, "\(counts)")
    }
}
