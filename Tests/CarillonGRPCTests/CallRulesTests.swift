import CarillonNet
import Testing

@testable import CarillonGRPC

/// The rules of gRPC over HTTP/2 for a server, one by one, asked by a client that keeps none of them.
@Suite(.timeLimit(.minutes(5))) struct CallRulesTests {
    static let inline = "/test.Echo/Inline"

    /// A message with its prefix.
    static func frame(_ message: [UInt8], flags: UInt8 = 0, length: Int? = nil) -> [UInt8] {
        [flags] + withUnsafeBytes(of: UInt32(length ?? message.count).bigEndian) { Array($0) } + message
    }

    /// A framed `StringValue`.
    static func text(_ text: String, flags: UInt8 = 0) -> [UInt8] {
        frame(message(text), flags: flags)
    }

    /// Octets that are written in hexadecimal.
    static func octets(_ digits: String) -> [UInt8] {
        var octets: [UInt8] = []
        var rest = digits[...]
        while let octet = UInt8(rest.prefix(2), radix: 16) {
            octets.append(octet)
            rest = rest.dropFirst(2)
        }
        return octets
    }

    /// A `StringValue` of less than 128 octets.
    static func message(_ text: String) -> [UInt8] { [0x0a, UInt8(text.utf8.count)] + Array(text.utf8) }

    /// Runs a test against a server of its own.
    static func withServer(
        limits: ServerLimits = .init(), window: Int32 = 256 * 1024,
        _ body: (EchoServer, RawClient) async throws -> Void
    ) async throws {
        let echo = try await EchoServer.start(limits: limits)
        let client = try await RawClient.connect(to: echo, window: window)
        try await body(echo, client)
        await client.close()
        await echo.stop()
    }

    // MARK: The header block

    @Test func theRightCallIsAnswered() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, parts: [Self.text("a")])
            #expect(answer[":status"] == "200")
            #expect(answer["content-type"] == "application/grpc")
            #expect(answer["grpc-accept-encoding"] == "identity,gzip")
            #expect(answer["grpc-encoding"] == nil)
            #expect(answer.body == Self.text("a"))
            #expect(answer.trailers.map(\.name) == ["grpc-status"])
            #expect(answer.closed == .noError)
        }
    }

    /// `[S]` "Method → POST"; a status of gRPC would hide the HTTP status from clients that map it.
    @Test(arguments: [
        ("GET", inline, "POST"), ("PUT", inline, "POST"), ("DELETE", "/test.Rules/Get", "GET, POST"),
        ("GET", "/nowhere", "POST"),
    ])
    func otherMethodsAre405(method: String, path: String, allowed: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(path, [(":method", method)])
            #expect(answer[":status"] == "405")
            #expect(answer["allow"] == allowed)
            #expect(answer.grpcStatus == nil)
        }
    }

    @Test(arguments: [
        "application/grpc+thrift", "application/grpcx", "application/grpc-web-text", "text/plain", "application/json5",
        "",
    ])
    func otherTypesAre415(type: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("content-type", type)], parts: [Self.text("a")])
            #expect(answer[":status"] == "415")
            #expect(answer["accept-post"]?.contains("application/grpc+proto") == true)
            #expect(answer.grpcStatus == nil)
        }
    }

    @Test(arguments: [
        ("application/grpc", "application/grpc"), ("application/grpc+proto", "application/grpc+proto"),
        ("Application/GRPC+Proto;charset=utf-8", "application/grpc+proto"),
        ("application/grpc ;a=b", "application/grpc"),
    ])
    func typesAreMirrored(type: String, mirrored: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("content-type", type)], parts: [Self.text("a")])
            #expect(answer["content-type"] == mirrored)
            #expect(answer.grpcStatus == "0")
        }
    }

    @Test func messagesMayBeJSON() async throws {
        try await Self.withServer { _, client in
            let json = [("content-type", "application/grpc+json")]
            let answer = try await client.ask(Self.inline, json, parts: [Self.frame(Array("\"é\"".utf8))])
            #expect(answer["content-type"] == "application/grpc+json")
            #expect(answer.messages.map(\.octets) == [Array("\"é\"".utf8)])
            // What cannot be read is an internal error in gRPC, whatever it is in Connect.
            let broken = try await client.ask(Self.inline, json, parts: [Self.frame(Array("{".utf8))])
            #expect(broken.grpcStatus == "13")
        }
    }

    @Test(arguments: [
        ("/test.Echo/Nothing", "unknown method of service test.Echo"),
        ("/test.None/Inline", "unknown service test.None"),
        ("/", "the method name is malformed"), ("/test.Echo/Inline?a=b", "unknown method of service test.Echo"),
        ("/test.Echo/inline", "unknown method of service test.Echo"),
        ("/test.Echo/Inline/", "unknown service test.Echo/Inline"),
    ])
    func unknownMethodsAreUnimplemented(path: String, message: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(path, parts: [Self.text("a")])
            #expect(answer[":status"] == "200")
            #expect(answer.isTrailersOnly)
            #expect(answer.grpcStatus == "12")
            #expect(answer["grpc-message"] == message)
        }
    }

    @Test func theSchemeMustBeHTTPS() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [(":scheme", "http")], parts: [Self.text("a")])
            #expect(answer[":status"] == "400")
            #expect(answer.grpcStatus == nil)
        }
    }

    @Test func aMissingTEIsTaken() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("te", "-")], parts: [Self.text("a")])
            #expect(answer.grpcStatus == "0")
        }
    }

    @Test func tooManyFieldsAreRefused() async throws {
        try await Self.withServer { _, client in
            let many = (0..<40).map { ("x-\($0)", String(repeating: "y", count: 1000)) }
            let call = try await client.ask(
                Self.inline, [("content-type", "application/grpc")] + many, parts: [Self.text("a")])
            #expect(call.isTrailersOnly && call.grpcStatus == "8")
            let page = try await client.ask("/livez", [(":method", "GET"), ("content-type", "-")] + many)
            #expect(page[":status"] == "431")
            #expect(page.grpcStatus == nil)
            let form = try await client.ask("/form", [("content-type", "application/json")] + many)
            #expect(form[":status"] == "431")
        }
    }

    /// The type of the body may stand behind what is too much, in new fields or among those of the last request.
    @Test func aCallWithTooManyFieldsInFrontOfItsTypeIsRefusedAsACall() async throws {
        try await Self.withServer { _, client in
            let type = [("te", "trailers"), ("content-type", "application/grpc+proto")]
            let few = (0..<8).map { ("x-\($0)", "y") }
            let first = try await client.ask(Self.inline, few + type, parts: [Self.text("a")])
            #expect(first.grpcStatus == "0")
            for count in [5, 6, 7, 8, 12] {
                // In the end the fields behind the large ones are those of the last request.
                let large = (0..<count).map { ("x-\($0)", String(repeating: "z", count: count == 5 ? 3230 : 3000)) }
                let call = try await client.ask(
                    Self.inline, large + few.dropFirst(count) + type, parts: [Self.text("a")])
                #expect(call.isTrailersOnly && call.grpcStatus == "8", "\(count) \(call)")
                #expect(call["content-type"] == "application/grpc+proto")
                let next = try await client.ask(Self.inline, few + type, parts: [Self.text("a")])
                #expect(next.grpcStatus == "0")
            }
        }
    }

    @Test(arguments: ["", "1", "S", "1x", "-1S", "1.5S", "123456789S"])
    func malformedTimeoutsAreInternal(timeout: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("grpc-timeout", timeout)], parts: [Self.text("a")])
            #expect(answer.isTrailersOnly && answer.grpcStatus == "13")
        }
    }

    @Test(arguments: ["99999999H", "99999999S", "10S", "00000001M"])
    func longTimeoutsSaturate(timeout: String) async throws {
        var limits = ServerLimits()
        limits.timeout = .milliseconds(50)
        try await Self.withServer(limits: limits) { _, client in
            let late = try await client.ask("/test.Echo/Hang", [("grpc-timeout", timeout)], parts: [Self.text("a")])
            #expect(late.grpcStatus == "4")
        }
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("grpc-timeout", timeout)], parts: [Self.text("a")])
            #expect(answer.grpcStatus == "0")
        }
    }

    // MARK: Deadlines

    @Test func aDeadlineIsAnsweredInOneBlockAndTheInputCutOff() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask("/test.Echo/Hang", [("grpc-timeout", "50m")], parts: [Self.text("a")])
            #expect(answer.isTrailersOnly && answer.grpcStatus == "4")
            let open = try await client.ask("/test.Echo/Join", [("grpc-timeout", "50m")], ends: false)
            #expect(open.isTrailersOnly && open.grpcStatus == "4")
            #expect(open.closed == .noError)
        }
    }

    /// Trailers cannot follow a message that the peer does not take.
    @Test func aDeadlineWithinAMessageResetsTheStream() async throws {
        try await Self.withServer(window: 1000) { _, client in
            let stream = try await client.send(
                "/test.Echo/Count", [("grpc-timeout", "400m")], parts: [Self.frame([0x08, 0xa0, 0x8d, 0x06])],
                takes: false)
            let answer = await stream.answer()
            #expect(answer.closed == .cancel)
            #expect(!answer.isEnded)
        }
    }

    // MARK: Messages

    static let broken: [(String, [UInt8], String)] = [
        ("no message", [], "12"), ("two messages", text("a") + text("b"), "12"), ("half a prefix", [0, 0, 0], "13"),
        ("half a message", frame([10], length: 9), "13"), ("not protobuf", frame([0xff, 0xff]), "13"),
        ("compressed with nothing", frame([1], flags: 1), "13"), ("unknown flags", frame([1], flags: 2), "13"),
        ("a message and half a prefix", text("a") + [0, 0], "12"),
    ]

    @Test(arguments: broken)
    func brokenBodiesHaveTheirStatus(what: String, body: [UInt8], status: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, parts: body.isEmpty ? [] : [body])
            #expect(answer.isTrailersOnly && answer.grpcStatus == status, "\(what): \(answer)")
        }
    }

    /// A second message is known to be one too many before the body ends.
    @Test func aSecondMessageIsRefusedBeforeTheEnd() async throws {
        try await Self.withServer { _, client in
            for path in [Self.inline, "/test.Echo/Count"] {
                let answer = try await client.ask(path, parts: [Self.frame([]), [0]], ends: false)
                #expect(answer.isTrailersOnly && answer.grpcStatus == "12", "\(path)")
                #expect(answer.closed == .noError)
            }
        }
    }

    @Test func aMessageOfNoOctetsIsAMessage() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, parts: [Self.frame([])])
            #expect(answer.grpcStatus == "0")
            #expect(answer.body == Self.frame([]))
        }
    }

    @Test func anOversizedMessageIsRefusedByItsPrefix() async throws {
        try await Self.withServer { _, client in
            for path in [Self.inline, "/test.Echo/Join"] {
                let answer = try await client.ask(path, parts: [Self.frame([], length: 0xffff_ffff)], ends: false)
                #expect(answer.isTrailersOnly && answer.grpcStatus == "8", "\(path)")
                #expect(answer.closed == .noError)
            }
        }
    }

    @Test func trailersOfARequestEndIt() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, parts: [Self.text("a")], trailers: [("x-end", "yes")])
            #expect(answer.grpcStatus == "0")
        }
    }

    // MARK: Compression

    private static func gzip(_ octets: [UInt8]) throws -> [UInt8] { try Gzip.compress(octets) }

    @Test(arguments: ["br", "deflate", "snappy", "Gzip"])
    func unknownEncodingsAreUnimplementedWhateverTheFlag(encoding: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("grpc-encoding", encoding)], parts: [Self.text("a")])
            #expect(answer.isTrailersOnly && answer.grpcStatus == "12")
            #expect(answer["grpc-accept-encoding"] == "identity,gzip")
        }
    }

    @Test func compressedRequestsAreRead() async throws {
        try await Self.withServer { _, client in
            let gzip = [("grpc-encoding", "gzip")]
            for (body, flag) in [
                (Self.frame(try Self.gzip(Self.message("abc")), flags: 1), "true"), (Self.text("abc"), "false"),
            ] {
                let answer = try await client.ask("/test.Rules/Squeeze", gzip, parts: [body])
                // The caller did not say that it could read gzip.
                #expect(answer.body == Self.text("abc"))
                #expect(answer["grpc-encoding"] == nil)
                #expect(answer.trailer("x-came-compressed") == flag)
            }
            let empty = try await client.ask(Self.inline, gzip, parts: [Self.frame([], flags: 1)])
            #expect(empty.grpcStatus == "0")
            let broken = try await client.ask(Self.inline, gzip, parts: [Self.frame([1, 2, 3], flags: 1)])
            #expect(broken.grpcStatus == "13")
            let bomb = try Self.gzip([UInt8](repeating: 0, count: 5_000_000))
            let bombed = try await client.ask(Self.inline, gzip, parts: [Self.frame(bomb, flags: 1)])
            #expect(bombed.grpcStatus == "8")
        }
    }

    @Test(arguments: ["gzip", "identity, gzip", "deflate,gzip;q=0.5"])
    func answersAreCompressedForThoseWhoCanReadThem(accepted: String) async throws {
        try await Self.withServer { _, client in
            let accepts = [("grpc-accept-encoding", accepted)]
            let answer = try await client.ask("/test.Rules/Squeeze", accepts, parts: [Self.text("abc")])
            #expect(answer["grpc-encoding"] == "gzip")
            #expect(answer.messages.map(\.flags) == [1])
            let message = try #require(answer.messages.first?.octets)
            #expect(try message.withUnsafeBytes { try Gzip.decompress($0, limit: 100) } == Self.message("abc"))
            // Off unless the handler wants it.
            let plain = try await client.ask(Self.inline, accepts, parts: [Self.text("abc")])
            #expect(plain["grpc-encoding"] == nil)
            #expect(plain.body == Self.text("abc"))
        }
    }

    @Test(arguments: ["identity", "gzip;q=0", "gzip; q=0.0", "br"])
    func answersAreNotCompressedForOthers(accepted: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(
                "/test.Rules/Squeeze", [("grpc-accept-encoding", accepted)], parts: [Self.text("abc")])
            #expect(answer["grpc-encoding"] == nil)
            #expect(answer.body == Self.text("abc"))
        }
    }

    @Test func eachMessageIsCompressedOrNot() async throws {
        try await Self.withServer { _, client in
            let body = [
                Self.text("a"), Self.frame(try Self.gzip(Self.message("b")), flags: 1), Self.text("c"),
            ]
            let answer = try await client.ask(
                "/test.Rules/SqueezeSome", [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip")], parts: body)
            #expect(answer.messages.map(\.flags) == [1, 0, 1])
            #expect(answer.trailer("x-flags") == "010")
        }
    }

    // MARK: Metadata

    @Test func metadataGoesBothWays() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(
                "/test.Rules/Metadata",
                [
                    ("x-one", "1"), ("x-one", "2,3"), ("x-octets-bin", "q6ur"), ("x-octets-bin", "q6s=,qw"),
                    ("user-agent", "tests"), ("grpc-previous-rpc-attempts", "2"), ("grpc-foo", "bar"),
                ], parts: [Self.text("x-one")])
            #expect(answer.messages.map(\.octets) == [Self.message("1,2,3")])
            #expect(answer["x-attempts"] == "2")
            #expect(answer["x-names"] == "x-one x-one x-octets-bin x-octets-bin grpc-previous-rpc-attempts")
            #expect(answer.trailers.filter { $0.name == "x-octets-bin" }.map(\.value) == ["q6ur", "q6s", "qw"])
        }
    }

    @Test(arguments: ["user-agent", "te", ":path", "grpc-timeout", "content-type", "x-none"])
    func reservedNamesAreHidden(name: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(
                "/test.Rules/Metadata", [("user-agent", "tests"), ("grpc-timeout", "10S")], parts: [Self.text(name)])
            #expect(answer.messages.map(\.octets) == [Self.message("none")])
        }
    }

    @Test(arguments: ["a!b", "Zg=x", "Zm9vY", "Zg,Z"])
    func octetsThatAreNotBase64AreInternal(value: String) async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask(Self.inline, [("x-any-bin", value)], parts: [Self.text("a")])
            #expect(answer.isTrailersOnly && answer.grpcStatus == "13")
        }
    }

    @Test func anErrorBeforeTheFirstMessageIsOneBlock() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask("/test.Rules/FailAtOnce", parts: [Self.text("a")])
            #expect(answer.isTrailersOnly && answer.grpcStatus == "5")
            #expect(answer["content-type"] == "application/grpc")
            #expect(answer["x-leading"] == "here" && answer["x-trailing"] == "there")
            #expect(answer["grpc-retry-pushback-ms"] == "-1")
            #expect(answer["grpc-status-details-bin"] == "CAU")
        }
    }

    /// Of trailers that are too large for it a client sees nothing: what explains is left out before the status is lost.
    @Test(arguments: [("0864", true), ("089423", true), ("08a09c01", false)] as [(String, Bool)])
    func detailsAreLeftOutWhereThereIsNoRoom(count: String, areSent: Bool) async throws {
        try await Self.withServer { _, client in
            for path in ["/test.Rules/Explain", "/test.Rules/ExplainLate"] {
                // An `Int32Value` of 100, 4500 or 20,000.
                let answer = try await client.ask(path, parts: [Self.frame(Self.octets(count))])
                #expect(answer.grpcStatus == "5", "\(path)")
                let block = answer.trailers.isEmpty ? answer.headers : answer.trailers
                #expect(block.contains { $0.name == "grpc-status-details-bin" } == areSent)
                #expect(block.contains { $0.name == "x-fits" } && !block.contains { $0.name == "x-too-much" })
                #expect(block.contains { $0.name == "grpc-retry-pushback-ms" })
                var size = 0
                for field in block { size += field.name.utf8.count + field.value.utf8.count + 32 }
                #expect(size <= 8192)
            }
        }
    }

    @Test func anErrorBehindFlushedHeadersIsInTheTrailers() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask("/test.Rules/FlushThenFail", parts: [Self.text("a")])
            #expect(answer["grpc-status"] == nil && answer["x-leading"] == "here")
            #expect(answer.trailer("grpc-status") == "14")
            #expect(answer.trailer("grpc-retry-pushback-ms") == "250")
        }
    }

    @Test func aHandlerThatGivesUpIsCancelled() async throws {
        try await Self.withServer { _, client in
            let answer = try await client.ask("/test.Rules/Odd", parts: [Self.text("a")])
            #expect(answer.grpcStatus == "1")
        }
    }
}
