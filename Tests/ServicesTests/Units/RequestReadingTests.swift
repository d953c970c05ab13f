import CarillonAPI
import CarillonGRPC
import Domain
import SwiftProtobuf
import Testing

@testable import Services

@Suite("Reading requests")
struct RequestReadingTests {
    @Test("everything that is wrong is said at once")
    func violations() throws {
        var check = FieldCheck()
        check.line("a\u{0}b", "a", limit: 10)
        check.line("a\nb", "b", limit: 10)
        check.line("", "c", limit: 10, isRequired: true)
        check.line(String(repeating: "x", count: 11), "d", limit: 10)
        check.line("\u{202e}fine", "e", limit: 20)
        _ = check.identifier("", "f", as: UserID.self)
        _ = check.identifier("a b", "g", as: UserID.self)
        _ = check.pageSize(-1)
        check.email("no", "h")
        let error = #expect(throws: Status.self) { try check.check() }
        #expect(error?.code == .invalidArgument)
        #expect(error?.reason == "FIELD_INVALID")
        #expect(error?.fields == ["a", "b", "c", "d", "f", "g", "page_size", "h"])
        #expect(error?.message.contains("7 more") == true)
    }

    @Test("so much is listed as the usual clients take of trailers", arguments: [1, 3, 12])
    func manyViolations(length: Int) throws {
        var many = FieldCheck()
        let description = Array(repeating: "is wrong in a way that it takes some words to tell, Größe", count: length)
            .joined(separator: "; ")
        for number in 0..<1000 {
            many.add("choices[\(number)].notification_type", description, reason: "UNKNOWN")
        }
        let status = try #require(#expect(throws: Status.self) { try many.check() })
        #expect(status.code == .invalidArgument)
        #expect(!status.fields.isEmpty)
        #expect(status.fields == status.fields.indices.map { "choices[\($0)].notification_type" })
        #expect(status.message.contains("and 999 more; the details name the first \(status.fields.count)"))
        // The message once more, at worst three octets for one, and base64 make it grow by a third; 8 KiB are all.
        #expect(status.details.count > RequestViolations.octetLimit / 2)
        #expect(status.details.count * 4 / 3 + status.message.utf8.count * 3 < 8 * 1024)
    }

    @Test("what is too long to be listed is counted")
    func longViolation() throws {
        var check = FieldCheck()
        check.add("a", String(repeating: "x", count: 10_000))
        let status = try #require(#expect(throws: Status.self) { try check.check() })
        #expect(status.code == .invalidArgument && status.fields.isEmpty)
        #expect(status.details.count < RequestViolations.octetLimit)
    }

    @Test("page sizes")
    func pageSizes() {
        var check = FieldCheck()
        #expect(check.pageSize(0) == 50)
        #expect(check.pageSize(7) == 7)
        #expect(check.pageSize(Int32.max) == 1000)
        #expect(check.pageSize(500, greatest: 200) == 200)
        #expect(check.violations.isEmpty)
    }

    @Test("page tokens are of one list")
    func pageTokens() {
        var check = FieldCheck()
        let token = PageToken.make("user@x", of: ["users", "acme"])
        #expect(!token.contains(where: { "+/= ".contains($0) }))
        #expect(PageToken.read(token, of: ["users", "acme"], &check)?.key == "user@x")
        #expect(PageToken.readID(token, of: ["users", "acme"], &check, as: UserID.self)?.rawValue == "user@x")
        #expect(PageToken.read("", of: ["users"], &check) == nil)
        #expect(PageToken.make(nil, of: ["users"]).isEmpty)
        #expect(check.violations.isEmpty)
        for (wrong, list) in [
            (token, ["users", "other"]), ("!!!", ["users"]), (String(repeating: "A", count: 2000), ["users"]),
            ("AAAA", ["users"]), ("\(token)*", ["users", "acme"]),
        ] {
            var check = FieldCheck()
            #expect(PageToken.read(wrong, of: list, &check) == nil)
            #expect(check.violations.all.map(\.field) == ["page_token"])
        }
        var other = FieldCheck()
        _ = PageToken.readID(PageToken.make("a b", of: ["x"]), of: ["x"], &other, as: UserID.self)
        #expect(!other.violations.isEmpty)
    }

    @Test("etags")
    func etags() throws {
        #expect(try Etag.revision("") == nil)
        #expect(try Etag.revision(Etag.of(12)) == 12)
        for wrong in ["x", "0", "-1", "012", "+1", "1 ", "99999999999999999999"] {
            #expect((#expect(throws: Status.self) { try Etag.revision(wrong) })?.code == .aborted, "\(wrong)")
        }
    }

    @Test("points in time")
    func timestamps() {
        let instant = Instant(microseconds: 1_234_567_891_234_567)
        #expect(Instant(Google_Protobuf_Timestamp(instant)) == instant)
        #expect(Instant(Google_Protobuf_Timestamp(seconds: 1, nanos: 999_999_999)) == Instant(microseconds: 1_999_999))
        for (seconds, nanos) in [(-1, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)] as [(Int64, Int32)] {
            #expect(Instant(Google_Protobuf_Timestamp(seconds: seconds, nanos: nanos)) == nil)
        }
    }

    @Test("context values of every kind")
    func contextValues() throws {
        var reader = ContextReader()
        let entries = reader.entries([
            value("a") { $0.text = "x" }, value("b") { $0.integer = 7 }, value("c") { $0.decimal = "-12.50" },
            value("d") {
                $0.money.currencyCode = "EUR"
                $0.money.minorUnits = 1999
            },
            value("e") { $0.dateTime = .init(seconds: 5) }, value("f") { $0.url = "https://a.de" },
            value("g") { $0.boolean = true }, value("h") { $0.textList.values = ["x", "y"] },
            value("i") {
                var object = Carillon_V1_ContextObject()
                object.fields = [value("title") { $0.text = "t" }]
                $0.objectList.objects = [object]
            },
        ])
        #expect(reader.violations.isEmpty)
        #expect(
            entries.map(\.value) == [
                .text("x"), .integer(7), .decimal(try #require(Decimal("-12.50"))),
                .money(Money(minorUnits: 1999, currency: "EUR")), .dateTime(Instant(seconds: 5)), .url("https://a.de"),
                .boolean(true), .textList(["x", "y"]), .objectList([[ContextEntry("title", .text("t"))]]),
            ])
    }

    @Test("context values that cannot be read are named with their place")
    func wrongContextValues() {
        var reader = ContextReader()
        var inner = Carillon_V1_ContextObject()
        inner.fields = [value("n") { $0.decimal = "x" }, value("l") { $0.textList.values = [] }]
        let entries = reader.entries([
            value("a") { _ in }, value("b") { $0.decimal = "1e5" }, value("c") { $0.date.month = 13 },
            value("d") { $0.dateTime = .init(seconds: -5) }, value("Bad Name") { $0.text = "x" },
            value("e") { $0.textList.values = Array(repeating: "x", count: 101) },
            value("f") { $0.objectList.objects = [.init(), inner] }, value("g") { $0.text = "fine" },
        ])
        #expect(entries.map(\.name) == ["g"])
        #expect(
            reader.violations.map(\.field) == [
                "context[a]", "context[b]", "context[c]", "context[d]", "context", "context[e]", "context[f][1].n",
                "context[f][1].l",
            ])
        #expect(reader.unreadable == ["a", "b", "c", "d", "e", "f"])
        #expect(ContextReader.field("items[3].title") == "context[items][3].title")
        var many = ContextReader()
        #expect(many.entries(Array(repeating: value("a") { $0.text = "x" }, count: 201)).isEmpty)
        #expect(many.violations.map(\.reason) == ["TOO_MANY"])
    }

    @Test("a table that is bounded forgets what was not asked for lately")
    func boundedCache() {
        var cache = BoundedCache<Int, Int>(limit: 10)
        for number in 0..<100 {
            cache.insert(number, for: number)
            #expect(cache.find(0) == 0, "what is asked for stays")
            #expect(cache.count <= 10)
        }
        #expect(cache.find(99) == 99)
        #expect(cache.find(50) == nil)
        cache.remove(99)
        #expect(cache.find(99) == nil)
    }
}
