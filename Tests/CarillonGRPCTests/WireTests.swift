import Testing

@testable import CarillonGRPC

@Suite struct WireTests {
    @Test(arguments: [
        ("1S", Duration.seconds(1)), ("0S", .zero), ("99999999H", .seconds(99_999_999 * 3600)), ("5M", .seconds(300)),
        ("250m", .milliseconds(250)), ("7u", .microseconds(7)), ("3n", .nanoseconds(3)),
    ])
    func readsTimeouts(text: String, expected: Duration) {
        #expect(Array(text.utf8).withUnsafeBytes { GRPCTimeout.parse($0) } == expected)
    }

    @Test(arguments: ["", "S", "1", "1x", "-1S", "1.5S", " 1S", "1 S", "100000000S", "1SS"])
    func refusesMalformedTimeouts(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { GRPCTimeout.parse($0) } == nil)
    }

    @Test(arguments: [
        (Duration.nanoseconds(1), "1n"), (.zero, "1n"), (.milliseconds(99), "99000000n"),
        (.milliseconds(100), "100000u"),
        (.seconds(100), "100000m"), (.seconds(100_000), "100000S"), (.seconds(Int64.max), "2562048H"),
        (.nanoseconds(100_000_001), "100001u"),
    ])
    func writesTimeoutsRoundedUp(duration: Duration, expected: String) {
        #expect(GRPCTimeout.format(duration) == expected)
    }

    @Test func percentEncodingCoversWhatTheInteropTestsSend() {
        let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n100%"
        let encoded = PercentEncoding.encode(message)
        #expect(encoded.utf8.allSatisfy { (0x20...0x7e).contains($0) })
        #expect(encoded.hasPrefix("%09%0Atest with whitespace%0D%0Aand Unicode BMP %E2%98%BA"))
        #expect(encoded.hasSuffix("100%25"))
        #expect(PercentEncoding.decode(encoded.utf8) == message)
    }

    @Test(arguments: [("", ""), (" ", "%20"), ("  ", "%20%20"), (" a b ", "%20a b%20"), ("a b", "a b")])
    func blanksAtTheEndsOfAMessageAreEscaped(message: String, expected: String) {
        #expect(PercentEncoding.encode(message) == expected)
        #expect(PercentEncoding.decode(expected.utf8) == message)
    }

    @Test func brokenEscapesAreKeptAndLongMessagesCut() {
        #expect(PercentEncoding.decode("100% %zz %4".utf8) == "100% %zz %4")
        #expect(PercentEncoding.encode(String(repeating: "x", count: 5000)).utf8.count == PercentEncoding.limit)
        // A character of three octets is nine when encoded; half of one would be no UTF-8.
        let faces = PercentEncoding.encode(String(repeating: "☺", count: 5000))
        #expect(faces == String(repeating: "%E2%98%BA", count: PercentEncoding.limit / 9))
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64MatchesTheVectorsOfRFC4648(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded.utf8) == Array(plain.utf8))
        let padded = encoded + String(repeating: "=", count: (4 - encoded.count % 4) % 4)
        #expect(Base64.decode(padded.utf8) == Array(plain.utf8))
    }

    @Test(
        arguments: [
            ("gzip", true), ("identity, deflate, gzip", true), ("identity,gzip", true), ("br;q=1,gzip;q=0.001", true),
            ("gzip ; q=1.000 , br", true), ("gzip;q=0", false), ("gzip; q=0.000,br", false), ("gzip,gzip;q=0", false),
            ("", nil), (",", nil), ("*", nil), ("xgzip", nil), ("gzip-x", nil), ("identity", nil), ("br;gzip", nil),
        ] as [(String, Bool?)])
    func readsAcceptedEncodings(text: String, expected: Bool?) {
        #expect(Array(text.utf8).withUnsafeBytes { AcceptedEncodings.gzip(in: $0) } == expected)
    }

    @Test(arguments: ["Z", "Zg=x", "Z g", "Zm9v!", "Zm9vY"])
    func brokenBase64IsRefused(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}

@Suite struct MessageFramerTests {
    private static func frame(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        [flag] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
    }

    private static func messages(_ framer: inout MessageFramer) throws(Status) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        while let message = try framer.next({ Array($0) }) { messages.append(message) }
        return messages
    }

    /// The boundaries of DATA frames mean nothing: any cut gives the same messages.
    @Test(arguments: 1...16)
    func messagesDoNotDependOnHowTheirBytesArrive(size: Int) throws {
        let expected: [[UInt8]] = [[], [1, 2, 3], Array(repeating: 7, count: 20), [], [9]]
        let bytes = expected.flatMap { Self.frame($0) }
        var framer = MessageFramer(limit: 20)
        var got: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            try Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes { try framer.append($0) }
            got += try Self.messages(&framer)
        }
        #expect(got == expected)
        try framer.checkEnd()
    }

    @Test func aMessageThatIsTooLargeIsRefusedByItsPrefix() {
        var framer = MessageFramer(limit: 20)
        let prefix: [UInt8] = [0, 0, 0, 0, 21]
        let error = #expect(throws: Status.self) { try prefix.withUnsafeBytes { try framer.append($0) } }
        #expect(error?.code == .resourceExhausted)
    }

    @Test(arguments: [(UInt8(1), StatusCode.internalError), (2, .internalError), (255, .internalError)])
    func unexpectedFlagsAreRefused(flag: UInt8, code: StatusCode) {
        var framer = MessageFramer(limit: 20)
        let error = #expect(throws: Status.self) {
            try Self.frame([1], flag: flag).withUnsafeBytes { try framer.append($0) }
        }
        #expect(error?.code == code)
    }

    @Test func aBodyThatEndsWithinAMessageIsRefused() throws {
        var framer = MessageFramer(limit: 20)
        try Array(Self.frame([1, 2, 3]).dropLast()).withUnsafeBytes { try framer.append($0) }
        #expect(try Self.messages(&framer).isEmpty)
        #expect(throws: Status.self) { try framer.checkEnd() }
    }

    @Test func cardinalityIsKnownBeforeTheMessageIsTaken() throws {
        for (count, expected) in [(0, MessageFramer.Cardinality.none), (1, .one), (2, .several)] {
            var framer = MessageFramer(limit: 20)
            var taken = 0
            for _ in 0..<count { try Self.frame([5]).withUnsafeBytes { try framer.append($0) } }
            let cardinality = try framer.takeSingle { _ in taken += 1 }
            #expect(cardinality == expected)
            #expect(taken == (expected == .one ? 1 : 0))
        }
    }
}
