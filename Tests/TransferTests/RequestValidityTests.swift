import Testing

@testable import Transfer

@Suite("Requests are checked before anything is sent")
struct RequestValidityTests {
    @Test(
        "envelope addresses",
        arguments: [
            ("ann@example.org", true), ("a@b", true), ("", false), ("ann", false), ("@b", false), ("a@", false),
            ("a b@c", false), ("a\r\nRCPT TO:<x@y>@c", false), ("<a@b>", false), ("ä@b", false), ("a@b\0", false),
            (String(repeating: "a", count: 250) + "@b.example", false),
        ])
    func addresses(text: String, isValid: Bool) {
        #expect(MailTransfer.isEnvelopeAddress(text) == isValid)
    }

    @Test("routes")
    func routes() {
        let credentials = MailRoute.Credentials(user: "u", password: "p")
        #expect(MailRoute(host: "mx.example", port: 587, security: .startTLS, credentials: credentials).isValid)
        #expect(!MailRoute(host: "mx.example", port: 25, security: .none, credentials: credentials).isValid)
        #expect(MailRoute(host: "127.0.0.1", port: 25, security: .none, credentials: credentials).isValid)
        for host in [
            "", "a/b", "a b", "a@b", "a#b", "a?b", "-a", "a\r\nb", "[::1]", String(repeating: "a", count: 254),
        ] {
            #expect(!MailRoute(host: host, port: 25, security: .none).isValid, "\(host)")
        }
        for port in [0, -1, 65536] { #expect(!MailRoute(host: "a", port: port, security: .none).isValid) }
        #expect(!MailRoute(host: "a", port: 25, security: .none, clientName: "x/../y").isValid)
        #expect(MailRoute(host: "::1", port: 25, security: .none).url == "smtp://[::1]:25/localhost")
    }

    @Test("credentials are in no description")
    func redaction() {
        let credentials = MailRoute.Credentials(user: "ann", password: "hunter2")
        let route = MailRoute(host: "mx.example", port: 587, security: .startTLS, credentials: credentials)
        for text in ["\(credentials)", "\(route)", String(reflecting: route)] {
            #expect(!text.contains("hunter2") && !text.contains("ann"))
        }
    }

    @Test("URLs")
    func urls() {
        #expect(ParsedURL("https://Example.org/x?y#z")?.origin == "https://example.org:443")
        #expect(ParsedURL("HTTP://example.org:81")?.origin == "http://example.org:81")
        for text in [
            "", "example.org", "//example.org", "ftp://example.org", "file:///etc/passwd", "gopher://x", "https://",
            "https://u@example.org", "https://u:p@example.org", "https://exa mple.org", "https://example.org/\r\nX: y",
            "https://example.org:99999", "https://a\0b",
        ] {
            #expect(ParsedURL(text) == nil, "\(text)")
        }
    }

    @Test("header fields")
    func fields() {
        #expect(HTTPField("X-A", "b c\td").isValid && HTTPField("X", "").isValid)
        for field in [
            HTTPField("", "x"), HTTPField("X Y", "x"), HTTPField("X:", "x"), HTTPField("X\r\nY", "x"),
            HTTPField("X", "a\r\nHost: evil"), HTTPField("X", "a\0"), HTTPField("X", "a\u{7F}"),
        ] { #expect(!field.isValid, "\(field)") }
    }
}
