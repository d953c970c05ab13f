import CarillonNet
import Testing

@testable import CarillonGRPC

/// The same handlers in gRPC-Web and Connect.
@Suite(.timeLimit(.minutes(5))) struct DialectTests {
    private typealias Rules = CallRulesTests
    private static let json = ("content-type", "application/json")
    private static let proto = ("content-type", "application/proto")

    // MARK: gRPC-Web

    @Test(arguments: ["application/grpc-web", "application/grpc-web+proto"])
    func webEndsInAFrame(type: String) async throws {
        try await Rules.withServer { _, client in
            let answer = try await client.ask(
                Rules.inline, [("content-type", type), ("te", "-"), ("x-grpc-web", "1")], parts: [Rules.text("a")])
            #expect(answer[":status"] == "200" && answer["content-type"] == type)
            #expect(answer.trailers.isEmpty)
            #expect(answer.messages.map(\.flags) == [0, 0x80])
            #expect(answer.messages.last?.octets == Array("grpc-status: 0\r\n".utf8))
            // Same origin needs no permission, and nobody else gets one.
            #expect(!answer.headers.contains { $0.name.hasPrefix("access-control") })
        }
    }

    @Test func webErrorsStandInTheHeaderBlockOrInTheFrame() async throws {
        try await Rules.withServer { _, client in
            let web = [("content-type", "application/grpc-web+json")]
            let body = [Rules.frame(Array("\"x\"".utf8))]
            let early = try await client.ask("/test.Rules/FailAtOnce", web, parts: body)
            #expect(early[":status"] == "200" && early["grpc-status"] == "5" && early.body.isEmpty)
            let late = try await client.ask("/test.Rules/FlushThenFail", web, parts: body)
            #expect(late.messages.map(\.flags) == [0x80])
            #expect(late.text.contains("grpc-status: 14\r\ngrpc-message: later\r\ngrpc-retry-pushback-ms: 250\r\n"))
            let unknown = try await client.ask("/test.Echo/Nothing", web, parts: body)
            #expect(unknown["grpc-status"] == "12")
        }
    }

    // MARK: Connect, one message each way

    @Test func connectTakesBareMessages() async throws {
        try await Rules.withServer { _, client in
            let json = try await client.ask(Rules.inline, [Self.json, ("te", "-")], parts: [Array("\"é\"".utf8)])
            #expect(json[":status"] == "200" && json["content-type"] == "application/json")
            #expect(json.text == "\"é\"" && json["content-length"] == "4")
            #expect(json["x-content-type-options"] == "nosniff")
            #expect(!json.headers.contains { $0.name.hasPrefix("access-control") || $0.name.hasPrefix("grpc-") })
            let proto = try await client.ask("/test.Echo/Async", [Self.proto], parts: [Rules.message("a")])
            #expect(proto["content-type"] == "application/proto" && proto.body == Rules.message("a"))
            // No octets are a message in Protocol Buffers, and none in JSON.
            let empty = try await client.ask(Rules.inline, [Self.proto])
            #expect(empty[":status"] == "200" && empty.body.isEmpty && empty.isEnded)
            let none = try await client.ask(Rules.inline, [Self.json])
            #expect(none[":status"] == "400")
        }
    }

    @Test func connectErrorsAreJSON() async throws {
        try await Rules.withServer { _, client in
            let failed = try await client.ask("/test.Echo/Fail", [Self.json], parts: [Array("\"x\"".utf8)])
            #expect(failed[":status"] == "400" && failed["content-type"] == "application/json")
            #expect(failed.text.contains("\"code\":\"failed_precondition\"") && failed.text.contains("no: x"))
            #expect(failed["trailer-x-hint"] == "later")
            let late = try await client.ask(
                "/test.Echo/Hang", [Self.json, ("connect-timeout-ms", "50")], parts: [Array("\"x\"".utf8)])
            #expect(late[":status"] == "504")
            for (fields, body, status) in [
                ([Self.json], "{", "400"), ([Self.json, ("connect-timeout-ms", "1x")], "\"x\"", "400"),
                ([Self.json, ("connect-timeout-ms", "12345678901")], "\"x\"", "400"),
                ([Self.json, ("connect-protocol-version", "2")], "\"x\"", "400"),
                ([Self.json, ("content-encoding", "br")], "\"x\"", "501"), ([Self.proto], "\u{ff}", "400"),
            ] {
                let answer = try await client.ask(Rules.inline, fields, parts: [Array(body.utf8)])
                #expect(answer[":status"] == status && answer["content-type"] == "application/json", "\(fields)")
                #expect(answer.closed == .noError && answer.isEnded)
            }
        }
    }

    @Test func connectGoesByTheKindOfTheMethod() async throws {
        try await Rules.withServer { _, client in
            let unary = try await client.ask("/test.Echo/Count", [Self.json], parts: [Array("1".utf8)])
            #expect(unary[":status"] == "415")
            let streamed = try await client.ask(
                Rules.inline, [("content-type", "application/connect+json")], parts: [Rules.frame(Array("\"x\"".utf8))])
            #expect(streamed[":status"] == "415")
            let unknown = try await client.ask("/test.Echo/Nothing", [Self.json], parts: [Array("1".utf8)])
            #expect(unknown[":status"] == "501" && unknown.text.contains("unimplemented"))
            let large = try await client.ask(
                Rules.inline, [Self.proto], parts: [[UInt8](repeating: 0, count: 5_000_000)], ends: false)
            #expect(large[":status"] == "429")
        }
    }

    @Test func connectCompressesBodies() async throws {
        try await Rules.withServer { _, client in
            let body = try Gzip.compress(Array("\"abc\"".utf8))
            let answer = try await client.ask(
                "/test.Rules/Squeeze", [Self.json, ("content-encoding", "gzip"), ("accept-encoding", "br, gzip")],
                parts: [body])
            #expect(answer["content-encoding"] == "gzip" && answer["vary"] == "accept-encoding")
            #expect(try answer.body.withUnsafeBytes { try Gzip.decompress($0, limit: 100) } == Array("\"abc\"".utf8))
            #expect(answer["trailer-x-came-compressed"] == "true")
            let plain = try await client.ask("/test.Rules/Squeeze", [Self.json], parts: [Array("\"abc\"".utf8)])
            #expect(plain["content-encoding"] == nil && plain.text == "\"abc\"")
            let bomb = try Gzip.compress([UInt8](repeating: 0x20, count: 5_000_000))
            let bombed = try await client.ask(
                Rules.inline, [Self.json, ("content-encoding", "gzip")], parts: [bomb])
            #expect(bombed[":status"] == "429")
        }
    }

    @Test func connectCallsMayBeMadeByGET() async throws {
        try await Rules.withServer { _, client in
            let get = [(":method", "GET"), ("content-type", "-"), ("te", "-")]
            for query in [
                "connect=v1&encoding=json&message=%22a%20b%22", "message=ImEgYiI&base64=1&encoding=json",
                "encoding=json&compression=identity&message=%22a+b%22",
            ] {
                let answer = try await client.ask("/test.Rules/Get?\(query)", get)
                #expect(answer[":status"] == "200" && answer.text == "\"a b\"", "\(query)")
            }
            for (path, status) in [
                ("/test.Rules/Get?connect=v2&encoding=json&message=1", "400"), ("/test.Rules/Get", "415"),
                ("/test.Rules/Get?encoding=xml&message=1", "415"), ("/test.Rules/Get?encoding=json", "400"),
                ("/test.Rules/Get?encoding=json&message=%zz", "400"),
                ("/test.Rules/Get?encoding=json&compression=br&message=1", "501"),
                ("/test.Echo/Inline?encoding=json&message=1", "405"),
                ("/test.Echo/Count?encoding=json&message=1", "405"),
            ] {
                let answer = try await client.ask(path, get)
                #expect(answer[":status"] == status, "\(path)")
            }
            let body = try await client.ask(
                "/test.Rules/Get?encoding=json&message=%22a%22", get, parts: [Array("\"b\"".utf8)])
            #expect(body[":status"] == "400")
            let head = try await client.ask("/test.Rules/Get", [(":method", "HEAD"), ("content-type", "-")])
            #expect(head[":status"] == "405")
        }
    }

    // MARK: Connect, streams

    private static func stream(_ codec: String) -> [(String, String)] {
        [("content-type", "application/connect+\(codec)"), ("te", "-")]
    }

    @Test func connectStreamsEndInAnEnvelope() async throws {
        try await Rules.withServer { _, client in
            let counted = try await client.ask(
                "/test.Echo/Count", Self.stream("json"), parts: [Rules.frame(Array("3".utf8))])
            #expect(counted[":status"] == "200" && counted["content-type"] == "application/connect+json")
            #expect(counted.messages.map(\.flags) == [0, 0, 0, 2])
            #expect(counted.messages.map { String(decoding: $0.octets, as: UTF8.self) } == ["0", "1", "2", "{}"])
            let joined = try await client.ask(
                "/test.Echo/Join", Self.stream("proto"), parts: [Rules.text("a"), Rules.text("b")])
            #expect(joined.messages.map(\.octets) == [Rules.message("ab"), Array("{}".utf8)])
            let chat = try await client.ask(
                "/test.Echo/Chat", Self.stream("json"), parts: [Rules.frame(Array("\"a\"".utf8))])
            #expect(chat.messages.map { String(decoding: $0.octets, as: UTF8.self) } == ["\"re: a\"", "{}"])
        }
    }

    @Test func connectStreamsTellTheirErrorsInTheEnvelope() async throws {
        try await Rules.withServer { _, client in
            let failed = try await client.ask(
                "/test.Rules/FailAtOnce", Self.stream("json"), parts: [Rules.frame(Array("\"x\"".utf8))])
            #expect(failed[":status"] == "200" && failed["x-leading"] == "here")
            #expect(failed.messages.map(\.flags) == [2])
            #expect(
                failed.text.contains("\"code\":\"not_found\"") && failed.text.contains("\"x-trailing\":[\"there\"]"))
            for (path, body, code) in [
                ("/test.Echo/Count", [], "unimplemented"),
                ("/test.Echo/Count", Rules.frame([0x31]) + Rules.frame([0x31]), "unimplemented"),
                ("/test.Echo/Count", Rules.frame([0x31], flags: 1), "internal"),
                ("/test.Echo/Chat", Rules.frame([0x7b, 0x7d], flags: 2), "internal"),
                ("/test.Echo/Nothing", Rules.frame([0x31]), "unimplemented"),
            ] as [(String, [UInt8], String)] {
                let answer = try await client.ask(path, Self.stream("json"), parts: body.isEmpty ? [] : [body])
                #expect(answer[":status"] == "200" && answer.messages.last?.flags == 2)
                #expect(answer.text.contains("\"code\":\"\(code)\""), "\(path) \(body): \(answer.text)")
            }
            let unknown = try await client.ask(
                "/test.Echo/Count", Self.stream("json") + [("connect-content-encoding", "br")],
                parts: [Rules.frame([0x31])])
            #expect(unknown.text.contains("unimplemented") && unknown["connect-accept-encoding"] == "gzip")
        }
    }
}
