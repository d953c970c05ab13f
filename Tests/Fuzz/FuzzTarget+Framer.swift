import CarillonNet

@testable import CarillonGRPC

extension FuzzTarget {
    /// Bodies cut into messages, and gzip: what comes out may not depend on how the octets came, nor pass the limit.
    static let framer = FuzzTarget(name: "framer", seeds: FramerSeeds.all) { octets in
        var input = FuzzInput(octets)
        let options = input.octet()
        let limit = Int(input.octet()) * (options & 2 == 0 ? 1 : 64)
        guard options & 1 == 0 else {
            return try Array(input.rest).withUnsafeBytes { try Self.checkGzip($0, limit: limit) }
        }
        let isGzip = options & 4 != 0
        let whole = try Self.messages(of: input.parts(of: max(1, input.rest.count)), limit: limit, isGzip: isGzip)
        let cut = try Self.messages(of: input.parts(of: 1 + Int(options >> 3)), limit: limit, isGzip: isGzip)
        try require(whole == cut, "the messages depend on how their octets came")
    }

    /// What a framer made of a body.
    private struct Framed: Equatable {
        var messages: [[UInt8]] = []
        var failure: StatusCode?
    }

    private static func messages(of parts: [ArraySlice<UInt8>], limit: Int, isGzip: Bool) throws -> Framed {
        var framer = MessageFramer(limit: limit, encoding: isGzip ? .gzip : .identity)
        var framed = Framed()
        var released = 0
        do throws(Status) {
            for part in parts {
                try part.withUnsafeBytes { part in
                    Result { () throws(Status) in try framer.append(part) }
                }.get()
                while let message = try framer.next({ Array($0) }) { framed.messages.append(message) }
                released += try framer.takeReleasable()
            }
            try framer.checkEnd()
        } catch {
            framed.failure = error.code
        }
        let total = parts.reduce(0) { $0 + $1.count }
        try require(released <= total, "more was given back than came")
        try require(framed.failure != nil || released == total, "octets of a whole body were kept")
        try require(framed.messages.allSatisfy { $0.count <= limit }, "a message is over the limit")
        return framed
    }

    private static func checkGzip(_ octets: UnsafeRawBufferPointer, limit: Int) throws {
        let plain = Array(octets)
        let compressed = try Gzip.compress(plain)
        let back = try compressed.withUnsafeBytes { try Gzip.decompress($0, limit: plain.count) }
        try require(back == plain, "gzip does not come back")
        guard let inflated = try? Gzip.decompress(octets, limit: limit) else { return }
        try require(inflated.count <= limit, "\(inflated.count) octets were inflated; the limit is \(limit)")
    }
}

private enum FramerSeeds {
    static let all: @Sendable () -> [[UInt8]] = {
        let one: [UInt8] = [0, 0, 0, 0, 3, 1, 2, 3]
        let bodies: [[UInt8]] = [
            [], one, one + one, [0, 0, 0, 0, 0], [0, 0, 0, 0], one + [0, 0], [1, 0, 0, 0, 1, 0],
            [0, 0xff, 0xff, 0xff, 0xff], [2, 0, 0, 0, 0],
            [0, 0, 0, 1, 0],
        ]
        let texts = [Array("a".utf8), Array("hello, hello, hello".utf8), [UInt8](repeating: 0, count: 20_000)]
        var members = texts.compactMap { try? Gzip.compress($0) }
        members.append(members[0] + members[1])
        // Before each stand its options and its limit.
        var seeds: [[UInt8]] = []
        for body in bodies { for head: [UInt8] in [[0, 100], [4, 2], [0x42, 255]] { seeds.append(head + body) } }
        for member in members {
            let length = [UInt8(member.count >> 8), UInt8(truncatingIfNeeded: member.count)]
            for head: [UInt8] in [[0xfc, 100, 1], [0x16, 255, 1], [0, 100, 1]] {
                seeds.append(head + [0, 0] + length + member)
            }
            for head: [UInt8] in [[1, 10], [3, 255]] { seeds += [head + member, head + member.dropLast()] }
        }
        return seeds
    }
}
