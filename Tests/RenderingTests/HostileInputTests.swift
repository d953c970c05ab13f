import Domain
import Testing

@testable import Rendering

@Suite("Hostile input")
struct HostileInputTests {
    private func mail(customerName: String, number: String = "1") throws -> RenderedEmail {
        var entries = invoice
        entries[1] = ContextEntry("invoice_number", .text(number))
        entries[3] = ContextEntry("customer_name", .text(customerName))
        // As when it is read back: a context that was stored before a check was added.
        var request = try request("invoice.created", invoice)
        request.context = Context(
            unchecked: Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.value) }))
        request.recipientName = customerName
        request.branding.name = customerName
        request.branding.imprint = customerName
        return try Renderer().email(request)
    }

    @Test(
        "is text in HTML, wherever it stands",
        arguments: [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)",
            "</title><script>",
            "'><svg/onload=alert(1)>", "<!--", "]]>", "&lt;script&gt;",
        ])
    func html(text: String) throws {
        let clean = try mail(customerName: "x").html
        let dirty = try mail(customerName: text).html
        // No tag, attribute or comment more than in a mail without it.
        for mark in ["<", ">", "\"", "'"] {
            #expect(dirty.count { String($0) == mark } == clean.count { String($0) == mark })
        }
        #expect(dirty.contains(ScalarHTML().escapeText(text)))
    }

    @Test("with combining marks is escaped all the same")
    func combining() throws {
        let html = try mail(customerName: "\"\u{301} onmouseover=alert(1) x=\"\u{301}<\u{301}b").html
        #expect(html.contains("&quot;\u{301} onmouseover"))
        let bytes = Array(html.utf8)
        let mark = Array("\u{301}".utf8)
        for index in bytes.indices.dropFirst() where bytes[index...].starts(with: mark) {
            #expect(bytes[index - 1] == UInt8(ascii: ";"), "a mark stands behind an escaped character")
        }
    }

    @Test(
        "is not taken for a template",
        arguments: [
            "{{link}}", "{{{link}}}", "{{&link}}", "{{#details}}x{{/details}}", "{{>text}}", "{{=<% %>=}}",
            "{recipient_name}",
        ])
    func templates(text: String) throws {
        let mail = try mail(customerName: text, number: text)
        #expect(mail.text.contains("Account: \(text)\n"))
        #expect(mail.subject == "New invoice \(text), due 2026-12-01")
        #expect(mail.html.contains(ScalarHTML().escapeText(text)))
    }

    @Test(
        "cannot begin a line of the subject",
        arguments: ["1\r\nBcc: eve@evil.example", "1\nX: y", "1\rX", "1\u{2028}X", "1\u{85}X", "1\u{0}X", "1\u{0B}X"])
    func subject(number: String) throws {
        let mail = try mail(customerName: "x", number: number)
        #expect(
            mail.subject.unicodeScalars.allSatisfy {
                $0.properties.generalCategory != .control && !$0.properties.isPatternWhitespace || $0 == " "
            })
        #expect(mail.subject.hasPrefix("New invoice 1 "))
    }

    @Test("in a name cannot add lines to the text")
    func lines() throws {
        let clean = try mail(customerName: "x").text.split(separator: "\n", omittingEmptySubsequences: false).count
        let dirty = try mail(customerName: "x\r\n\r\nPay to another account").text
        #expect(
            dirty.split(separator: "\n", omittingEmptySubsequences: false).count == clean + 1, "the imprint has lines")
    }

    @Test("in an address makes no link and no message")
    func addresses() throws {
        var request = try request("invoice.created", invoice)
        for unsafe in ["javascript:alert(1)", "http://portal.example", "https://x\"y", "", "https://u@evil.example"] {
            request.portalURL = unsafe
            #expect(throws: RenderingError.unsafePortalURL) { try Renderer().email(request) }
            #expect(throws: RenderingError.unsafePortalURL) { try Renderer().inboxItem(request) }
        }
        request.portalURL = "http://127.0.0.1:8080"
        _ = try Renderer().email(request)
        request.preferencesURL = "data:text/html,x"
        #expect(throws: RenderingError.unsafePreferencesURL) { try Renderer().email(request) }
    }

    @Test("cannot make a message too large")
    func size() throws {
        let long = String(repeating: "<&\n", count: 100_000)
        #expect(throws: RenderingError.tooLarge) { try mail(customerName: long) }
    }
}
