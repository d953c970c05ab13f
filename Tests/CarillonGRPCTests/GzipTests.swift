import Testing

@testable import CarillonGRPC

@Suite struct GzipTests {
    private static func decompress(_ octets: [UInt8], limit: Int = 1 << 20) throws(Status) -> [UInt8] {
        try octets.withUnsafeBytes { bytes in
            Result { () throws(Status) in try Gzip.decompress(bytes, limit: limit) }
        }.get()
    }

    private static func code(_ octets: [UInt8], limit: Int = 1 << 20) -> StatusCode? {
        do throws(Status) {
            _ = try decompress(octets, limit: limit)
            return nil
        } catch {
            return error.code
        }
    }

    /// Octets that do not compress, the same in every run.
    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    @Test(arguments: [1, 2, 100, 16_383, 16_384, 16_385, 300_000])
    func whatWasCompressedComesBack(count: Int) throws {
        for original in [Self.noise(count), [UInt8](repeating: 7, count: count)] {
            let compressed = try Gzip.compress(original)
            #expect(compressed.starts(with: [0x1f, 0x8b, 8]))
            #expect(try Self.decompress(compressed) == original)
            #expect(try Self.decompress(compressed, limit: count) == original)
            #expect(Self.code(compressed, limit: count - 1) == .resourceExhausted)
        }
    }

    @Test func nothingStaysNothing() throws {
        #expect(try Gzip.compress([UInt8]()) == [])
        #expect(try Self.decompress([], limit: 0) == [])
    }

    /// Made by Python's gzip module: one member, and two behind one another.
    @Test(arguments: [
        ("H4sIAAAAAAACA8tIzcnJ11HIQKIAn6HKCRMAAAA=", "hello, hello, hello"),
        ("H4sIAAAAAAACA0tMSgYAwkEkNQMAAAAfiwgAAAAAAAIDS0lNAwBh4cQMAwAAAA==", "abcdef"),
    ])
    func readsWhatOthersWrote(base64: String, expected: String) throws {
        let octets = try #require(Base64.decode(base64.utf8))
        #expect(try Self.decompress(octets) == Array(expected.utf8))
    }

    @Test func whatIsNotWholeGzipIsRefused() throws {
        let good = try Gzip.compress(Array("hello, hello".utf8))
        for count in 1..<good.count { #expect(Self.code(Array(good.prefix(count))) == .internalError) }
        #expect(Self.code(good + [0]) == .internalError)
        #expect(Self.code(good + Array("garbage".utf8)) == .internalError)
        #expect(Self.code(good + good.prefix(12)) == .internalError)
        #expect(Self.code(Array("hello".utf8)) == .internalError)
        for index in (good.count - 8)..<good.count {
            var broken = good
            broken[index] ^= 1
            #expect(Self.code(broken) == .internalError, "checksum or length, octet \(index)")
        }
        // zlib's own wrapping is not gzip.
        #expect(Self.code([0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x06, 0x00, 0x02, 0x4d, 0x01, 0x27]) == .internalError)
    }

    @Test func aStateIsCleanAfterAFailure() throws {
        let original = Self.noise(50_000)
        let compressed = try Gzip.compress(original)
        for count in stride(from: 1, to: compressed.count, by: 7001) {
            #expect(Self.code(Array(compressed.prefix(count))) == .internalError)
            #expect(Self.code(compressed, limit: 100) == .resourceExhausted)
            #expect(try Self.decompress(compressed) == original)
        }
    }

    /// A bomb of 1000 : 1, and one whose members are each within the limit.
    @Test func bombsStopAtTheLimit() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 64 << 20))
        #expect(bomb.count < 70_000)
        #expect(Self.code(bomb, limit: 1 << 20) == .resourceExhausted)
        let member = try Gzip.compress([UInt8](repeating: 0, count: 1000))
        let members = [[UInt8]](repeating: member, count: 2000).flatMap { $0 }
        #expect(Self.code(members, limit: 1_999_999) == .resourceExhausted)
        #expect(try Self.decompress(members, limit: 2_000_000).count == 2_000_000)
    }

    @Test func manyThreadsShareTheStates() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<16 {
                group.addTask {
                    for round in 1...50 {
                        let original = [UInt8](repeating: UInt8(seed), count: seed * 97 + round * 531)
                        let restored = try Self.decompress(try Gzip.compress(original))
                        #expect(restored == original)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
