import Testing

@testable import CarillonNet

@Suite struct FrameScannerTests {
    private func frame(_ type: UInt8, _ flags: UInt8 = 0, _ stream: UInt8 = 0, payload: Int = 0) -> [UInt8] {
        [0, UInt8(payload >> 8), UInt8(payload & 0xff), type, flags, 0x80, 0, 0, stream]
            + [UInt8](repeating: 0xff, count: payload)
    }

    private func heads(_ pieces: [[UInt8]], ofClient: Bool = true) -> ([FrameHead], FrameScanner) {
        var scanner = FrameScanner(ofClient: ofClient)
        var heads: [FrameHead] = []
        for piece in pieces {
            var place = 0
            piece.withUnsafeBytes { octets in
                while let head = scanner.next(octets, &place) { heads.append(head) }
            }
            #expect(place == piece.count)
        }
        return (heads, scanner)
    }

    /// However the octets are cut, the heads are the same.
    @Test(arguments: [1, 2, 5, 8, 9, 10, 13, 1000])
    func findsEachHeadWhereverTheOctetsAreCut(size: Int) {
        let octets =
            [UInt8](repeating: 0x50, count: 24) + frame(4) + frame(1, 4, 1, payload: 300) + frame(0, 1, 1)
            + frame(0x42, 0, 3, payload: 9)
        let pieces = stride(from: 0, to: octets.count, by: size).map {
            Array(octets[$0..<min($0 + size, octets.count)])
        }
        let (heads, _) = heads(pieces)
        #expect(heads.map(\.type) == [4, 1, 0, 0x42])
        #expect(heads.map(\.payload) == [0, 300, 0, 9])
        // The reserved bit is no part of the identifier.
        #expect(heads.map(\.stream) == [0, 1, 1, 3])
        #expect(heads.map(\.flags) == [0, 4, 1, 0])
    }

    @Test func knowsWhetherAHeaderBlockIsComplete() {
        let cases: [([[UInt8]], Bool)] = [
            ([frame(1, 4, 1, payload: 10)], false),
            ([Array(frame(1, 4, 1, payload: 10).dropLast())], true),
            ([frame(1, 0, 1, payload: 10)], true),
            ([frame(1, 0, 1, payload: 10), frame(9, 4, 1, payload: 3)], false),
            ([frame(1, 0, 1, payload: 10), Array(frame(9, 4, 1, payload: 3).dropLast())], true),
            ([frame(1, 4, 1, payload: 10), Array(frame(0, 0, 1, payload: 10).dropLast())], false),
            ([frame(1, 4, 1)], false),
            ([frame(1, 0, 1)], true),
        ]
        for (pieces, isIncomplete) in cases {
            #expect(heads(pieces, ofClient: false).1.isHeaderBlockIncomplete == isIncomplete)
        }
    }
}
