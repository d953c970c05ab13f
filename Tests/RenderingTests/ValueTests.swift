import Domain
import Testing

@testable import Rendering

@Suite("Values in messages")
struct ValueTests {
    private func detail(
        _ type: VariableType, _ value: ContextValue, name: String = "po_number", zone: ZoneRules = .utc
    ) -> Detail? {
        Detail(Variable(name: name, type: type), value, audience: .customer, zone: zone)
    }

    @Test("are written by their types")
    func types() throws {
        let zone = ZoneRules(name: "Europe/Test", firstOffset: 7_200)
        let instant = Instant(seconds: 1_764_543_600)  // 2025-11-30 23:00 UTC
        #expect(detail(.dateTime, .dateTime(instant))?.text == "2025-11-30 23:00 UTC")
        #expect(detail(.dateTime, .dateTime(instant), zone: zone)?.text == "2025-12-01 01:00 Europe/Test")
        #expect(detail(.money, .money(Money(minorUnits: 1_234, currency: "JPY")))?.text == "1,234 JPY")
        #expect(detail(.money, .money(Money(minorUnits: -1_234_567, currency: "KWD")))?.text == "-1,234.567 KWD")
        #expect(detail(.decimal, .decimal(Decimal("-12.50")!))?.text == "-12.50")
        #expect(detail(.boolean, .boolean(true))?.text == "yes")
        #expect(detail(.enumeration, .text("card_expired"))?.text == "Card expired")
        #expect(detail(.textList, .textList(["a", "b\nc"]))?.text == "a, b c")
        #expect(detail(.text, .text("a\r\nb\u{0}c"))?.text == "a\nb c")
        #expect(detail(.string, .text("a\r\nb"))?.text == "a b")
    }

    @Test("have labels in words")
    func labels() {
        #expect(detail(.string, .text("x"))?.label == "PO number")
        #expect(detail(.string, .text("x"), name: "customer_name")?.label == "Account")
        #expect(detail(.string, .text("x"), name: "due_date")?.label == "Due date")
    }

    @Test("that nobody has a use for are left out")
    func useless() {
        #expect(detail(.id, .text("x")) == nil)
        #expect(detail(.string, .text(" \n")) == nil)
        #expect(detail(.string, .text("Ann"), name: "user_display_name") == nil)
    }

    @Test("are shortened when nobody would read them")
    func long() {
        #expect(detail(.text, .text(String(repeating: "x", count: 10_000)))?.text.count == Detail.limit)
        let objects = (1...30).map { [ContextEntry("n", .integer(Int64($0))), ContextEntry("t", .text("a\nb"))] }
        let lines = detail(.objectList, .objectList(objects))?.text.split(separator: "\n")
        #expect(lines?.count == 21 && lines?.first == "- 1, a b" && lines?.last == "and 10 more")
    }

    @Test("are links only if they are safe to follow")
    func links() {
        for safe in [
            "https://a.example/x?y=1#z", "HTTPS://a.example", "mailto:a@b.example", "tel:+123", "http://localhost:1/x",
            "http://[::1]/",
        ] {
            #expect(detail(.url, .url(safe))?.link == safe)
        }
        for unsafe in [
            "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
            "http://a.example", "https:", "https://", "https:a.example", "https://a b", "https://a\"onmouseover=x",
            "https://a.example/\u{301}", "//a.example", "https://portal.example@evil.example/",
            "http://localhost@evil/",
            "http://localhost.evil.example/", "mailto:",
        ] {
            #expect(detail(.url, .url(unsafe))?.link == nil, "\(unsafe)")
        }
    }
}
