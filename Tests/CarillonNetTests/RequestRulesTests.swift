import Testing

@testable import CarillonNet

/// RFC 9113 §8.2 and §8.3.
@Suite struct RequestRulesTests {
    typealias Fields = [(String, String)]

    private static let start: Fields = [
        (":method", "POST"), (":scheme", "https"), (":path", "/a/B"), (":authority", "h:1"),
    ]

    private static func block(_ fields: Fields) -> HeaderBlock {
        var block = HeaderBlock()
        for (name, value) in fields { block.append(name, value) }
        return block
    }

    static let right: [Fields] = [
        [], [("te", "trailers")], [("te", "Trailers")], [("content-length", "0")], [("x", "")], [("x", "ä\t!")],
        [("host", "h")], [("x", "1"), ("x", "2")], [("content-type", "application/grpc")],
    ]

    @Test(arguments: right)
    func requestsThatAreRight(more: Fields) {
        #expect(RequestRules(Self.block(Self.start + more)) != nil)
    }

    static let malformed: [Fields] = [
        [("te", "gzip")], [("connection", "close")], [("keep-alive", "1")], [("proxy-connection", "x")],
        [("transfer-encoding", "chunked")], [("upgrade", "h2c")], [("content-length", "")], [("content-length", "-1")],
        [("content-length", "1 ")], [("content-length", "1"), ("content-length", "1")],
        [("content-length", "99999999999999999999")], [("X", "1")], [("x y", "1")], [("", "1")], [("x", " 1")],
        [("x", "1\t")], [("x", "1\r\n2")], [("x", "\u{0}")], [("x", "\u{7f}")], [(":status", "200")],
        [(":path", "/b")], [(":protocol", "websocket")], [("x", "1"), (":method", "GET")], [("host", "a b")],
        [("host", "a"), ("host", "a")], [("host", "")],
    ]

    @Test(arguments: malformed)
    func requestsThatAreMalformed(more: Fields) {
        #expect(RequestRules(Self.block(Self.start + more)) == nil)
    }

    static let pseudoHeaders: [(Fields, Bool)] = [
        ([(":scheme", "https"), (":path", "/"), (":authority", "h")], false),
        ([(":method", "GET"), (":path", "/"), (":authority", "h")], false),
        ([(":method", "GET"), (":scheme", "https"), (":authority", "h")], false),
        ([(":method", "GET"), (":scheme", "https"), (":path", "/")], false),
        ([(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "h")], true),
        ([(":method", "GET"), (":scheme", "https"), (":path", ""), (":authority", "h")], false),
        ([(":method", "GET"), (":scheme", "https"), (":path", "a"), (":authority", "h")], false),
        ([(":method", "GET"), (":scheme", "coap"), (":path", "a"), (":authority", "h")], true),
        ([(":method", "GET"), (":scheme", "1"), (":path", "/"), (":authority", "h")], false),
        ([(":method", "GET"), (":scheme", "https"), (":path", "/ "), (":authority", "h")], false),
        ([(":method", "G T"), (":scheme", "https"), (":path", "/"), (":authority", "h")], false),
        ([(":method", "GET"), (":scheme", "https"), (":path", "*"), (":authority", "h")], false),
        ([(":method", "OPTIONS"), (":scheme", "https"), (":path", "*"), (":authority", "h")], true),
        ([(":method", "CONNECT"), (":authority", "h:1")], true),
        ([(":method", "CONNECT"), (":authority", "h:1"), (":scheme", "https")], false),
        ([(":method", "CONNECT")], false),
    ]

    @Test(arguments: pseudoHeaders)
    func pseudoHeaderFields(fields: Fields, isRight: Bool) {
        #expect((RequestRules(Self.block(fields)) != nil) == isRight)
    }

    @Test func knowsHowLongTheBodyIs() {
        #expect(RequestRules(Self.block(Self.start))?.contentLength == nil)
        #expect(RequestRules(Self.block(Self.start + [("content-length", "17")]))?.contentLength == 17)
    }

    static let changed: [(Int, String, String, Bool)] = [
        (4, "te", "trailers", true), (4, "te", "x", false), (2, ":path", "/c", true), (2, ":path", "c", false),
        (0, ":method", "OPTIONS", true), (0, ":method", "CONNECT", false), (5, "content-length", "5", true),
        (5, "content-length", "x", false), (3, ":authority", "", false),
    ]

    /// A field with another value is checked like the whole.
    @Test(arguments: changed)
    func checksWhatIsDifferent(place: Int, name: String, value: String, isRight: Bool) throws {
        let before = Self.start + [("te", "trailers"), ("content-length", "4")]
        var rules = try #require(RequestRules(Self.block(before)))
        var fields = before
        fields[place] = (name, value)
        var changes = FieldChanges.none
        changes.mark(place)
        #expect(rules.recheck(Self.block(fields), changes) == isRight)
        #expect((RequestRules(Self.block(fields)) != nil) == isRight)
        if isRight { #expect(rules.contentLength == RequestRules(Self.block(fields))?.contentLength) }
    }

    @Test(arguments: [
        ("x", "1", true), (":path", "/", false), ("connection", "close", false), ("X", "1", false), ("x", "\n", false),
    ])
    func trailersHaveRulesToo(name: String, value: String, isRight: Bool) {
        let (name, value) = (Array(name.utf8), Array(value.utf8))
        let answer = name.withUnsafeBytes { name in value.withUnsafeBytes { RequestRules.isTrailer(name, $0) } }
        #expect(answer == isRight)
    }
}
