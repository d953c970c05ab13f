import CarillonNet
import Testing

@testable import CarillonGRPC

/// Pages over HTTP/2, through memory.
@Suite struct PageTests {
    /// One thread for all tests: nothing of one test is left on it for the next.
    private static let loop = EventLoop(name: "pages")
    private var loop: EventLoop { Self.loop }

    /// Hands a stream's events to a page, as the server does.
    private final class Handler: HTTP2StreamHandler {
        let exchange: (HTTP2Stream) -> PageExchange
        var page: PageExchange?

        init(_ exchange: @escaping (HTTP2Stream) -> PageExchange) { self.exchange = exchange }

        func streamReceivedHeaders(_ stream: HTTP2Stream) { page = exchange(stream) }
        func streamReceivedTrailers(_ stream: HTTP2Stream) {}
        func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) { page?.received(bytes) }
        func streamReceivedEnd(_ stream: HTTP2Stream) { page?.receivedEnd() }
        func streamDrained(_ stream: HTTP2Stream) {}
        func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) { page?.streamClosed() }
    }

    private static func pair(on loop: EventLoop, _ pages: [Page]) throws -> SessionPair {
        let core = ServerCore(methods: [], pages: pages, limits: .init(), report: { _ in })
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        let connection = ConnectionState(peer: "tests", of: ServerLoop(loop: loop, core: core, tls: tls, loops: 1))
        return SessionPair(on: loop) { _ in
            Handler { stream in
                PageExchange(stream, of: connection, connection.admit() ?? Admission(), table: core.pages)
            }
        }
    }

    private static let script = String(repeating: "console.log('hello');\n", count: 100)

    private static let pages = [
        Page("/livez") { PageAnswer(status: 200, text: "alive\n") },
        Page("/query", inline: { PageAnswer(status: 200, text: $0.parameters["a"] ?? "none") }),
        Page(
            "/form", methods: [.get, .post], bodyLimit: 20,
            inline: { PageAnswer(status: 200, text: "\($0.method) \($0.form["token"] ?? "none") \($0.body.count)") }),
        Page("/post", methods: .post, inline: { _ in PageAnswer.seeOther("/livez") }),
        Page(
            "/own",
            inline: { _ in
                PageAnswer(
                    html: "<p>hello</p>", fields: [("cache-control", "max-age=5"), ("x-evil", "a\r\nset-cookie: b")])
            }),
        Page("/app.js", StaticFile(name: "app.js", octets: Array(script.utf8))),
        Page("/app.0a1b2c3d.js", StaticFile(name: "app.0a1b2c3d.js", octets: Array(script.utf8))),
        Page("/tiny.txt", StaticFile(name: "tiny.txt", octets: Array("hi".utf8))),
        Page("/empty.css", StaticFile(name: "empty.css", octets: [])),
        Page("/big.png", StaticFile(name: "big.png", octets: [UInt8](repeating: 9, count: 3_000_000))),
    ]

    /// What a request is answered with: status, body, header fields.
    private struct Answer: Sendable {
        var status: String
        var text: String
        var fields: [String: String]
        var closed: HTTP2ErrorCode?
    }

    private func ask(
        _ method: String, _ path: String, _ fields: [(String, String)] = [], parts: [[UInt8]] = [], ends: Bool = true
    ) async throws -> Answer {
        try await loop.run { [loop] in
            let pair = try Self.pair(on: loop, Self.pages)
            let got = pair.send([(":method", method), (":path", path)] + fields, parts: parts, ends: ends)
            return Answer(
                status: got[":status"] ?? "", text: got.text,
                fields: Dictionary(got.fields.map { ($0.name, $0.value) }) { $0 + "|" + $1 }, closed: got.closed)
        }
    }

    @Test(
        arguments: [
            ("GET", "/livez", "200", "alive\n"), ("HEAD", "/livez", "200", ""),
            ("GET", "/livez?verbose", "200", "alive\n"),
            ("GET", "/livez/", "404", nil), ("GET", "//livez", "404", nil), ("GET", "/./livez", "404", nil),
            ("GET", "/%6civez", "404", nil),
            ("GET", "/Livez", "404", nil), ("GET", "/", "404", nil),
            ("HEAD", "/nothing", "404", ""),
            ("POST", "/livez", "405", nil), ("DELETE", "/livez", "405", nil), ("GET", "/post", "405", nil),
            ("OPTIONS", "/form", "405", nil),
            ("GET", "/query?a=b%20c+d&x=1", "200", "b c d"), ("GET", "/query?a=1&a=2", "200", "none"),
            ("GET", "/query?a=%", "200", "none"),
            ("GET", "/query?a=%ff", "200", "none"), ("GET", "/query?a", "200", ""),
            ("GET", "/query??a=1", "200", "none"),
            ("GET", "/form?token=x", "200", "get none 0"), ("POST", "/post", "303", "see /livez\n"),
            ("GET", "/tiny.txt", "200", "hi"), ("GET", "/empty.css", "200", ""),
        ] as [(String, String, String, String?)])
    func answersByExactPath(method: String, path: String, status: String, text: String?) async throws {
        let got = try await ask(method, path)
        #expect(got.status == status)
        if let text { #expect(got.text == text) }
    }

    @Test func refusalsHelp() async throws {
        #expect(try await ask("POST", "/livez").fields["allow"] == "GET, HEAD")
        #expect(try await ask("GET", "/post").fields["allow"] == "POST")
        #expect(try await ask("PUT", "/form").fields["allow"] == "GET, HEAD, POST")
        #expect(try await ask("GET", "/nothing").text.contains("/package.Service/Method"))
        let long = try await ask("GET", "/livez?" + String(repeating: "x", count: PageTable.addressLimit))
        #expect(long.status == "414")
        #expect(long.text.contains("8192"))
    }

    @Test(arguments: ["/livez", "/nothing", "/app.js", "/own"])
    func everyAnswerKeepsBrowsersSafe(path: String) async throws {
        let fields = try await ask("GET", path).fields
        #expect(fields["x-content-type-options"] == "nosniff")
        #expect(fields["referrer-policy"] == "no-referrer")
        #expect(fields["x-frame-options"] == "DENY")
        #expect(fields["content-security-policy"]?.hasPrefix("default-src 'self';") == true)
        #expect(fields["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
        #expect(fields["strict-transport-security"] == "max-age=31536000")
        #expect(fields["cache-control"]?.isEmpty == false)
    }

    @Test func aPageMaySayOtherwise() async throws {
        let got = try await ask("GET", "/own")
        #expect(got.fields["cache-control"] == "max-age=5")
        #expect(got.fields["content-type"] == "text/html; charset=utf-8")
        #expect(got.fields["content-length"] == "12")
        #expect(got.fields["x-evil"] == nil)
        #expect(try await ask("POST", "/post").fields["location"] == "/livez")
    }

    @Test func bodiesReachTheirPageAndAreBounded() async throws {
        let form = Array("token=a%2Bb".utf8)
        #expect(try await ask("POST", "/form", parts: [form]).text == "post a+b 11")
        #expect(try await ask("POST", "/form", parts: form.map { [$0] }).text == "post a+b 11")
        #expect(try await ask("POST", "/form", parts: [[UInt8](repeating: 0, count: 20)]).text == "post none 20")
        let early = try await ask("POST", "/form", parts: [[UInt8](repeating: 0, count: 21)], ends: false)
        #expect(early.status == "413")
        #expect(early.closed == .noError)
        // A body that nobody asked for is dropped.
        #expect(try await ask("GET", "/form", parts: [form]).text == "get none 0")
        #expect(try await ask("POST", "/nothing", parts: [form]).status == "404")
    }

    @Test func nothingIsAnsweredBeforeTheRequestIsComplete() async throws {
        for path in ["/livez", "/nothing", "/post"] {
            let got = try await ask("GET", path, ends: false)
            #expect(got.status == "")
            #expect(got.closed == nil)
        }
    }

    // MARK: Files

    @Test(arguments: [
        ("/app.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/app.0a1b2c3d.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/tiny.txt", "text/plain; charset=utf-8", "no-cache"), ("/big.png", "image/png", "no-cache"),
    ])
    func filesSayWhatTheyAre(path: String, type: String, control: String) async throws {
        let got = try await ask("GET", path)
        #expect(got.fields["content-type"] == type)
        #expect(got.fields["cache-control"] == control)
        #expect(got.fields["content-length"] == String(got.text.utf8.count) || path == "/big.png")
        let head = try await ask("HEAD", path)
        #expect(head.text.isEmpty)
        for name in ["etag", "content-type", "content-length", "cache-control", "vary"] {
            #expect(head.fields[name] == got.fields[name])
        }
        let tag = got.fields["etag"] ?? ""
        #expect(tag.count > 8 && tag.hasPrefix("\"") && tag.hasSuffix("\""))
        for known in [tag, "W/" + tag, "\"a\", \(tag)", "\"a\",W/\(tag) , \"b\"", "*"] {
            let again = try await ask("GET", path, [("if-none-match", known)])
            #expect(again.status == "304", "\(known)")
            #expect(again.text.isEmpty)
            #expect(again.fields["etag"] == tag)
            #expect(again.fields["cache-control"] == control)
            #expect(again.fields["content-length"] == nil)
        }
        for unknown in ["\"a\"", String(tag.dropLast()), "", ",", "W/"] {
            #expect(try await ask("GET", path, [("if-none-match", unknown)]).status == "200", "\(unknown)")
        }
    }

    @Test func aLargeFileArrivesWhole() async throws {
        let got = try await ask("GET", "/big.png")
        #expect(got.text.utf8.count == 3_000_000)
        #expect(got.fields["content-length"] == "3000000")
        #expect(got.fields["vary"] == nil)
    }

    @Test(arguments: [
        ("gzip", true), ("br, gzip", true), ("br,gzip;q=0.5", true), ("gzip; q=1.0", true), ("gzip;q=0", false),
        ("gzip; q=0.000", false),
        ("", false), ("br", false), ("*", false), ("xgzip", false), ("gzip-x", false), ("identity", false),
    ])
    func theCompressedVariantGoesToThoseWhoTakeIt(accepted: String, isCompressed: Bool) async throws {
        let plain = try await ask("GET", "/app.js")
        let got = try await ask("GET", "/app.js", accepted.isEmpty ? [] : [("accept-encoding", accepted)])
        #expect(got.fields["vary"] == "accept-encoding")
        #expect((got.fields["content-encoding"] == "gzip") == isCompressed)
        #expect((got.fields["etag"] != plain.fields["etag"]) == isCompressed)
        let tag = try #require(got.fields["etag"])
        let again = try await ask("GET", "/app.js", [("accept-encoding", accepted), ("if-none-match", tag)])
        #expect(again.status == "304")
        #expect(again.fields["etag"] == tag)
        #expect(again.fields["vary"] == "accept-encoding")
        let length = try #require(got.fields["content-length"].flatMap { Int($0) })
        #expect((length < 200) == isCompressed)
    }

    @Test func theCompressedVariantIsTheFile() async throws {
        let file = StaticFile(name: "app.js", octets: Array(Self.script.utf8))
        var fields = HeaderBlock()
        fields.append("accept-encoding", "gzip")
        let answer = file.answer(PageRequest(method: .get, path: "/app.js", fields: fields))
        let plain = try answer.body.withUnsafeBytes { try Gzip.decompress($0, limit: 10_000) }
        #expect(plain == Array(Self.script.utf8))
    }

    @Test(arguments: [
        ("a.html", "text/html; charset=utf-8"), ("a.B.CSS", "text/css; charset=utf-8"),
        ("a", "application/octet-stream"),
        ("a.woff2", "font/woff2"), ("a.svg", "image/svg+xml"), ("x.js/a", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("", "application/octet-stream"), ("dir/site.webmanifest", "application/manifest+json"),
    ])
    func contentTypesComeFromTheEnd(name: String, type: String) {
        #expect(ContentType.of(name) == type)
    }

    @Test(arguments: [
        ("a.0a1b2c3d.js", true), ("a-0a1b2c3d4e.css", true), ("x/a.b.0123456789abcdef.js", true), ("a.js", false),
        ("a.deadbeef.js", false),
        ("0a1b2c3d.js", false), ("a.0a1b2c3.js", false), ("a.0A1B2C3D.js", false), ("a.0a1b2c3d", false),
        ("a.0a1b2c3d.min.js", false),
        ("0a1b2c3d.dir/a.js", false),
    ])
    func hashedNamesAreKeptForever(name: String, isImmutable: Bool) {
        let file = StaticFile(name: name, octets: [1])
        let control = file.answer(PageRequest(method: .get, path: "/")).fields.first { $0.name == "cache-control" }?
            .value
        #expect(control == (isImmutable ? "public, max-age=31536000, immutable" : "no-cache"))
    }

    // MARK: Pages that take time

    /// Asks a page whose handler is a task, and waits for its answer.
    private func ask(
        _ handler: @escaping @Sendable (PageRequest) async throws -> PageAnswer
    ) async throws -> (status: String, text: String) {
        try await loop.run { [loop] in
            let pair = try Self.pair(on: loop, [Page("/slow", async: handler)])
            let got = pair.send([(":method", "GET"), (":path", "/slow")])
            while !got.isEnded {
                await Task.yield()
                pair.pump()
            }
            return (got[":status"] ?? "", got.text)
        }
    }

    @Test func aTaskMayAnswerLater() async throws {
        let got = try await ask { _ in PageAnswer(status: 200, text: "later") }
        #expect(got == ("200", "later"))
    }

    @Test func whatATaskThrowsIsNotTold() async throws {
        let got = try await ask { _ in throw Status(.internalError, "secret") }
        #expect(got.status == "500")
        #expect(!got.text.contains("secret"))
    }

    @Test func theEndOfTheStreamCancelsTheTask() async throws {
        let events = Events()
        try await loop.run { [loop] in
            let page = Page(
                "/slow",
                async: { _ in
                    events.record("started")
                    do { try await loop.sleep(for: .seconds(600)) } catch { events.record("cancelled") }
                    return PageAnswer(status: 200, text: "too late")
                })
            let pair = try Self.pair(on: loop, [page])
            let got = pair.send([(":method", "GET"), (":path", "/slow")])
            await events.first(containing: "started")
            got.reset()
            pair.pump()
            await events.first(containing: "cancelled")
            pair.pump()
            #expect(got[":status"] == nil)
        }
    }
}
