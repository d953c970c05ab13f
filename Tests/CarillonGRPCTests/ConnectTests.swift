import CarillonNet
import Testing

@testable import CarillonGRPC

@Suite struct ConnectTests {
    // MARK: Timeouts

    @Test(arguments: [
        ("0", Duration.zero), ("1", .milliseconds(1)), ("0005", .milliseconds(5)),
        ("9999999999", .milliseconds(9_999_999_999)),
    ])
    func readsTimeouts(text: String, expected: Duration) {
        #expect(Array(text.utf8).withUnsafeBytes { ConnectTimeout.parse($0) } == expected)
    }

    @Test(arguments: ["", "-1", "+1", "1.5", " 1", "1 ", "1S", "00000000001", "10000000000", "１"])
    func refusesMalformedTimeouts(text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { ConnectTimeout.parse($0) } == nil)
    }

    // MARK: Errors

    /// The table of the specification, "Error Codes".
    @Test func codesHaveTheirNamesAndStatuses() {
        let expected = """
            canceled 499, unknown 500, invalid_argument 400, deadline_exceeded 504, not_found 404, already_exists 409, \
            permission_denied 403, resource_exhausted 429, failed_precondition 400, aborted 409, out_of_range 400, \
            unimplemented 501, internal 500, unavailable 503, data_loss 500, unauthenticated 401
            """
        let codes = StatusCode.allCases.filter { $0 != .ok }
        #expect(
            codes.map { "\(ConnectError.name(of: $0)) \(ConnectError.httpStatus(of: $0))" }.joined(separator: ", ")
                == expected)
        #expect(ConnectError.httpStatus(of: .ok).description == "200")
    }

    private static func field(_ number: UInt8, _ value: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(value.count)] + value
    }

    private static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    /// A `google.rpc.Status` with a code, a message and two details.
    private static let details =
        [0x08, 5] + field(2, "not there")
        + field(3, field(1, "type.googleapis.com/google.rpc.ErrorInfo") + field(2, [0x0a, 1, 0xff]))
        + field(3, field(1, "other.example/a/b.C"))

    @Test(arguments: [
        (Status(.notFound, "not there"), #"{"code":"not_found","message":"not there"}"#),
        (Status(.cancelled, ""), #"{"code":"canceled"}"#),
        (
            Status(.unknown, "\"\\\n\r\u{0}\u{7f}<b>&☺😈"),
            #"{"code":"unknown","message":"\"\\\n\u000d\u0000\u007f\u003cb\u003e\u0026☺😈"}"#
        ),
        (
            Status(.notFound, "not there", details: details),
            #"{"code":"not_found","message":"not there","details":[{"type":"google.rpc.ErrorInfo","value":"CgH/"},"#
                + #"{"type":"b.C","value":""}]}"#
        ),
    ])
    func errorsAreJSON(status: Status, expected: String) {
        #expect(String(decoding: ConnectError.json(status), as: UTF8.self) == expected)
    }

    /// An error gets out whatever its details are.
    @Test func brokenDetailsAreLeftOut() {
        for count in 0..<Self.details.count {
            let text = String(
                decoding: ConnectError.json(Status(.notFound, "", details: Array(Self.details.prefix(count)))),
                as: UTF8.self)
            #expect(text.hasPrefix(#"{"code":"not_found""#) && text.hasSuffix("}"))
        }
        for broken: [UInt8] in [
            [0x1a], [0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x1a, 5, 1], [0x1b], [0x08],
            [0xff],
            [0x09, 1], [0x0d, 1], [UInt8](repeating: 0xff, count: 20),
        ] {
            #expect(ErrorDetails.read(broken).allSatisfy { $0.type.isEmpty && $0.value.isEmpty })
        }
        #expect(ErrorDetails.read([0x0d, 1, 2, 3, 4, 0x09, 1, 2, 3, 4, 5, 6, 7, 8] + Self.details).count == 2)
    }

    // MARK: Envelopes

    private static func block(_ fields: [(String, String)]) -> HeaderBlock {
        var block = HeaderBlock()
        for (name, value) in fields { block.append(name, value) }
        return block
    }

    @Test func theLastEnvelopeSaysHowTheCallEnded() {
        func text(_ status: Status, _ fields: [(String, String)]) -> String {
            let envelope = ConnectEnvelope.endOfStream(status, trailers: Self.block(fields))
            #expect(envelope.first == 2)
            #expect(envelope[1..<5].reduce(0) { $0 << 8 | Int($1) } == envelope.count - 5)
            return String(decoding: envelope[5...], as: UTF8.self)
        }
        #expect(ConnectEnvelope.endOfStream(.ok, trailers: Self.block([])) == [2, 0, 0, 0, 2, 0x7b, 0x7d])
        #expect(
            text(.ok, [("b", "2"), ("a-bin", "AQI"), ("b", "3\"")])
                == #"{"metadata":{"b":["2","3\""],"a-bin":["AQI"]}}"#)
        #expect(
            text(Status(.unavailable, "gone"), []) == #"{"error":{"code":"unavailable","message":"gone"}}"#)
        #expect(
            text(Status(.aborted, ""), [("a", "")]) == #"{"error":{"code":"aborted"},"metadata":{"a":[""]}}"#)
    }

    @Test func theLastFrameOfGRPCWebHoldsTheTrailers() {
        let lines = "grpc-status: 5\r\ngrpc-message: not%20there\r\n"
        let frame = WebTrailers.frame(
            Self.block([
                ("grpc-status", "5"), ("evil", "x\r\ngrpc-status: 0"), ("a\r\nb", "x"), ("grpc-message", "not%20there"),
            ]))
        #expect(frame == [0x80, 0, 0, 0, UInt8(lines.utf8.count)] + Array(lines.utf8))
        #expect(WebTrailers.frame(Self.block([])) == [0x80, 0, 0, 0, 0])
    }

    // MARK: Calls by GET

    private static func query(_ text: String, limit: Int = 100) throws(ConnectQuery.Problem) -> ConnectQuery {
        try Array(text.utf8).withUnsafeBytes { bytes in
            Result { () throws(ConnectQuery.Problem) in try ConnectQuery(bytes, limit: limit) }
        }.get()
    }

    @Test(arguments: [
        ("connect=v1&encoding=json&message=%7B%22a%22%3A1%7D", MessageCodec.json, #"{"a":1}"#, false),
        ("message={}&encoding=json", .json, "{}", false),
        ("message=&encoding=proto", .proto, "", false),
        ("message&encoding=proto&connect=v1", .proto, "", false),
        ("a=b&encoding=proto&&message=a+b%2b&x&=y&Message=z", .proto, "a b+", false),
        ("encoding=proto&base64=1&message=YWI", .proto, "ab", false),
        ("encoding=proto&base64=1&message=YWI%3D&compression=gzip", .proto, "ab", true),
        ("encoding=proto&base64=1&message=YWI=&compression=", .proto, "ab", false),
        ("encoding=proto&base64=1&message=Pz8_Pj4-", .proto, "???>>>", false),
        ("encoding=proto&base64=0&message=Pz8_&compression=identity", .proto, "Pz8_", false),
        ("encoding=proto&message=a=b?c", .proto, "a=b?c", false),
    ])
    func readsQueries(text: String, codec: MessageCodec, message: String, isGzip: Bool) throws {
        let query = try Self.query(text)
        #expect(query.codec == codec)
        #expect(String(decoding: query.message, as: UTF8.self) == message)
        #expect(query.isGzip == isGzip)
    }

    @Test(arguments: [
        ("", ConnectQuery.Problem.unknownCodec), ("message=", .unknownCodec), ("encoding=xml&message=", .unknownCodec),
        ("encoding=JSON&message=", .unknownCodec), ("encoding=json&message=&connect=v2", .version),
        ("encoding=json&message=&connect=", .version), ("encoding=json&message=&compression=br", .unknownCompression),
    ])
    func refusesQueries(text: String, problem: ConnectQuery.Problem) {
        #expect(throws: problem) { try Self.query(text) }
    }

    @Test(arguments: [
        "encoding=json", "encoding=json&message=%", "encoding=json&message=%4", "encoding=json&message=%zz",
        "encoding=json&message=1&message=2", "encoding=json&encoding=json&message=1", "encoding=json&message=&base64=2",
        "encoding=json&message=A&base64=1", "encoding=json&message=Pz8/&base64=1",
        "encoding=json&message=Pj4%2B&base64=1",
        "encoding=json&message=YWI%3D%3D%3D&base64=1", "encoding=json&message=Y%20WI&base64=1",
    ])
    func saysWhatIsWrongWithAQuery(text: String) {
        #expect {
            try Self.query(text)
        } throws: { error in
            guard case .malformed(let status)? = error as? ConnectQuery.Problem else { return false }
            return status.code == .invalidArgument && status.message.contains("query parameter")
        }
    }

    @Test func theMessageOfAQueryIsBounded() throws {
        #expect(try Self.query("encoding=json&message=1234", limit: 4).message.count == 4)
        #expect(throws: ConnectQuery.Problem.tooLarge) { try Self.query("encoding=json&message=12345", limit: 4) }
        #expect(try Self.query("encoding=json&base64=1&message=MTIzNA==", limit: 4).message.count == 4)
    }
}
