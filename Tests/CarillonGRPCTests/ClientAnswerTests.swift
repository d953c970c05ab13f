import CarillonNet
import Testing

@testable import CarillonGRPC

/// What header blocks of answers mean, proper ones and others.
@Suite struct ResponseHeadTests {
    private static func block(_ fields: [(String, String)]) -> HeaderBlock {
        var block = HeaderBlock()
        for field in fields { block.append(field.0, field.1) }
        return block
    }

    private static func meaning(_ fields: [(String, String)]) -> String {
        switch ResponseHead(block(fields)) {
        case .begins(let encoding): "begins \(encoding)"
        case .endsIfLast(let status, _): "ends \(status)"
        case .foreign(let status): "foreign \(status.code.name)"
        }
    }

    @Test(
        arguments: [
            ([(":status", "200"), ("content-type", "application/grpc")], "begins identity"),
            ([(":status", "200"), ("content-type", "application/grpc+proto")], "begins identity"),
            ([(":status", "200"), ("content-type", "Application/GRPC;charset=utf-8")], "begins identity"),
            (
                [(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip")], "begins gzip"
            ),
            ([(":status", "200"), ("content-type", "application/grpcish")], "foreign UNKNOWN"),
            ([(":status", "200"), ("content-type", "text/html")], "foreign UNKNOWN"),
            ([(":status", "200")], "foreign UNKNOWN"),
            ([(":status", "503"), ("content-type", "text/html")], "foreign UNAVAILABLE"),
            ([(":status", "503"), ("content-type", "application/grpc")], "foreign UNAVAILABLE"),
            ([(":status", "401")], "foreign UNAUTHENTICATED"),
            (
                [
                    (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5"),
                    ("grpc-message", "a%20b"),
                ],
                "ends NOT_FOUND: a b"
            ),
            ([(":status", "200"), ("grpc-status", "5")], "ends NOT_FOUND"),
            (
                [
                    (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "99"),
                    ("grpc-message", "odd"),
                ],
                "ends UNKNOWN: odd (the server answered with grpc-status \"99\")"
            ),
            (
                [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "zero")],
                "ends UNKNOWN: the server answered with grpc-status \"zero\""
            ),
            (
                [(":status", "500"), ("content-type", "application/grpc"), ("grpc-status", "8")],
                "ends RESOURCE_EXHAUSTED"
            ),
        ] as [([(String, String)], String)])
    func headerBlocksAreUnderstood(fields: [(String, String)], expected: String) {
        #expect(Self.meaning(fields) == expected)
    }

    /// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
    @Test(
        arguments: [
            (400, StatusCode.internalError), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented),
            (429, .unavailable), (431, .internalError), (502, .unavailable), (503, .unavailable), (504, .unavailable),
            (200, .unknown), (302, .unknown), (500, .unknown), (nil, .unknown),
        ] as [(Int?, StatusCode)])
    func httpStatusesHaveCodes(http: Int?, code: StatusCode) {
        #expect(StatusMapping.code(ofHTTP: http) == code)
    }

    /// gRPC over HTTP/2, "Errors".
    @Test(arguments: [
        (HTTP2ErrorCode.noError, StatusCode.internalError), (.protocolError, .internalError),
        (.internalError, .internalError), (.flowControlError, .internalError), (.settingsTimeout, .internalError),
        (.frameSizeError, .internalError), (.compressionError, .internalError), (.connectError, .internalError),
        (.refusedStream, .unavailable), (.cancel, .cancelled), (.enhanceYourCalm, .resourceExhausted),
        (.inadequateSecurity, .permissionDenied),
    ])
    func resetsHaveCodes(reset: HTTP2ErrorCode, code: StatusCode) {
        #expect(StatusMapping.status(ofReset: reset).code == code)
    }
}

@Suite struct MetadataTests {
    @Test func octetsTravelAsBase64() {
        var metadata = Metadata()
        metadata.append(binary: "x-bin", [0xab, 0xab, 0xab])
        #expect(metadata["x-bin"] == "q6ur")
        metadata.append("x-bin", "q6s=,AA")
        #expect(metadata.binary("x-bin") == [[0xab, 0xab, 0xab], [0xab, 0xab], [0]])
        #expect(metadata.values("x-bin").count == 2)
        #expect(metadata["y"] == nil)
    }

    @Test func fieldsOfTheProtocolAreNotMetadata() {
        var block = HeaderBlock()
        for (name, value) in [
            (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "0"), ("x-a", "1"),
            ("grpc-retry-pushback-ms", "5"), ("x-a", "2"),
        ] {
            block.append(name, value)
        }
        #expect(Metadata(block).fields.map(\.name) == ["x-a", "grpc-retry-pushback-ms", "x-a"])
        #expect(Metadata(block).values("x-a") == ["1", "2"])
    }

    @Test(arguments: [
        ("x-a", "b c", true), ("x_a.b-0", "", true), ("X-A", "b", false), ("", "b", false), (":path", "b", false),
        ("x a", "b", false), ("x", "a\nb", false), ("x", "ü", false), ("x", " a", false), ("x", "a ", false),
    ])
    func whatCannotBeSentIsKnown(name: String, value: String, isLegal: Bool) {
        #expect(MetadataField.isWellFormed(name, value) == isLegal)
    }

    @Test(arguments: [
        ("authorization", true), ("x-a-bin", true), ("te", false), ("content-type", false), ("user-agent", false),
        ("grpc-timeout", false), ("grpc-encoding", false), ("grpc-previous-rpc-attempts", false), ("host", false),
        ("connection", false), (":authority", false), ("X-A", false),
    ])
    func namesOfTheProtocolAreNotForCallers(name: String, isAllowed: Bool) {
        #expect(MetadataField.isValidInRequest(name, "v") == isAllowed)
    }
}
