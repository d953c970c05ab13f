import Domain
import Testing

@testable import Channels

@Suite("The composed mail")
struct MIMEComposerTests {
    static let message = EmailMessage(
        from: Mailbox(EmailAddress("billing@northwind.example")!, name: "Northwind Supply"),
        to: Mailbox(EmailAddress("ann@example.org")!, name: "Ann Ames"),
        subject: "New invoice INV-1001", text: "Hello Ann,\n\nOpen it.\n", html: "<p>Hello Ann</p>\n",
        messageID: "0190.email@portal.northwind.example", date: Instant(seconds: 1_795_291_320))

    private func composed(_ change: (inout EmailMessage) -> Void = { _ in }) throws -> String {
        var message = Self.message
        change(&message)
        return String(decoding: try MIMEComposer.compose(message, boundary: "=_b"), as: UTF8.self)
    }

    private func field(_ name: String, _ change: (inout EmailMessage) -> Void) throws -> String {
        let header = try composed(change).components(until: "\r\n\r\n")
        var lines = header.split(separator: "\r\n").map(String.init)
        let start = try #require(lines.firstIndex { $0.hasPrefix("\(name): ") })
        lines.removeFirst(start)
        let rest = lines.dropFirst().prefix { $0.hasPrefix(" ") }
        return ([lines[0]] + rest).joined(separator: "\r\n")
    }

    @Test("is this, byte for byte")
    func whole() throws {
        let expected = """
            From: Northwind Supply <billing@northwind.example>
            To: Ann Ames <ann@example.org>
            Subject: New invoice INV-1001
            Date: Sat, 21 Nov 2026 20:02:00 +0000
            Message-ID: <0190.email@portal.northwind.example>
            Auto-Submitted: auto-generated
            MIME-Version: 1.0
            Content-Type: multipart/alternative;
             boundary="=_b"

            --=_b
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            Hello Ann,

            Open it.
            --=_b
            Content-Type: text/html; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            <p>Hello Ann</p>
            --=_b--

            """
        #expect(
            try composed()
                == expected.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n"))
    }

    @Test("of text only has one part")
    func textOnly() throws {
        let mail = try composed { $0.html = nil }
        #expect(!mail.contains("multipart") && mail.hasSuffix("\r\n\r\nHello Ann,\r\n\r\nOpen it.\r\n"))
    }

    @Test("carries what else was asked for")
    func extras() throws {
        let mail = try composed {
            $0.replyTo = Mailbox(EmailAddress("help@northwind.example")!)
            $0.unsubscribe = .init(
                url: "https://portal.northwind.example/u/token", mailto: "mailto:u@northwind.example")
            $0.headers = [.init("X-Carillon-Type", "invoice.created")]
        }
        for line in [
            "Reply-To: help@northwind.example\r\n",
            "List-Unsubscribe: <https://portal.northwind.example/u/token>,\r\n <mailto:u@northwind.example>\r\n",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "X-Carillon-Type: invoice.created\r\n",
        ] {
            #expect(mail.contains(line), "\(line)")
        }
    }

    @Test("encodes what is not ASCII, on character boundaries, in short lines")
    func encodedSubject() throws {
        #expect(try field("Subject") { $0.subject = "Grüße" } == "Subject: =?UTF-8?B?R3LDvMOfZQ==?=")
        let long = String(repeating: "日本語のお知らせ", count: 8)
        let subject = try field("Subject") { $0.subject = long }
        let lines = subject.split(separator: "\r\n")
        #expect(lines.count > 2 && lines.allSatisfy { $0.utf8.count <= 76 })
        #expect(decodedWords(String(subject.dropFirst("Subject: ".count))) == long)
    }

    @Test("folds long fields between words")
    func folding() throws {
        let words = (1...40).map { "word\($0)" }.joined(separator: " ")
        let subject = try field("Subject") { $0.subject = words }
        let lines = subject.split(separator: "\r\n")
        #expect(lines.count > 1 && lines.allSatisfy { $0.utf8.count <= 78 })
        #expect(lines.joined().dropFirst("Subject: ".count) == words)
    }

    @Test(
        "encodes what would be changed on the way or taken for an encoded word",
        arguments: [
            "=?UTF-8?B?eA==?=", "two  spaces", " leading", "trailing ", String(repeating: "x", count: 200),
        ])
    func awkwardSubject(text: String) throws {
        let subject = try field("Subject") { $0.subject = text }
        #expect(subject.hasPrefix("Subject: =?UTF-8?B?") && decodedWords(String(subject.dropFirst(9))) == text)
    }

    @Test(
        "names people as they are, quoted or encoded",
        arguments: [
            ("", "From: billing@northwind.example"),
            ("Northwind", "From: Northwind <billing@northwind.example>"),
            ("Ames, Ann (\"A\\\")", #"From: "Ames, Ann (\"A\\\")" <billing@northwind.example>"#),
            ("eve@evil.example", #"From: "eve@evil.example" <billing@northwind.example>"#),
            ("Bücher", "From: =?UTF-8?B?QsO8Y2hlcg==?= <billing@northwind.example>"),
        ])
    func names(name: String, line: String) throws {
        #expect(try field("From") { $0.from = Mailbox($0.from.address, name: name) } == line)
    }

    @Test("puts a long name and its address on lines of their own")
    func longName() throws {
        let name = String(repeating: "Very Long Company Name ", count: 5) + "Ltd"
        let line = try field("From") { $0.from = Mailbox($0.from.address, name: name) }
        #expect(line.hasSuffix("\r\n <billing@northwind.example>"))
        #expect(line.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
        #expect(decodedWords(String(line.dropFirst(6))) == name)
    }

    @Test(
        "takes no control character in any header value",
        arguments: [
            "\r\nBcc: eve@evil.example", "\n", "\r", "\0", "\u{B}", "\u{1B}", "\u{7F}", "\u{85}", "\u{2028}",
            "\u{2029}", "\t",
        ])
    func injection(text: String) throws {
        let value = "x\(text)y"
        let changes: [(String, (inout EmailMessage) -> Void)] = [
            ("Subject", { $0.subject = value }),
            ("From", { $0.from = Mailbox($0.from.address, name: value) }),
            ("To", { $0.to = Mailbox($0.to.address, name: value) }),
            ("Reply-To", { $0.replyTo = Mailbox($0.to.address, name: value) }),
            ("X-Field", { $0.headers = [.init("X-Field", value)] }),
        ]
        for (name, change) in changes {
            #expect(throws: MessageError(field: name, problem: .controlCharacter)) { try composed(change) }
        }
        #expect(throws: MessageError(field: "Message-ID", problem: .malformed)) {
            try composed { $0.messageID = "x\(text)@y" }
        }
        #expect(throws: MessageError.self) { try composed { $0.unsubscribe = .init(url: "https://a.example/\(text)") } }
        #expect(throws: MessageError(field: "headers", problem: .malformed)) {
            try composed { $0.headers = [.init("X\(text)", "y")] }
        }
    }

    @Test("takes no field twice and none of its own")
    func reserved() {
        for name in ["From", "bcc", "CONTENT-TYPE", "Message-Id", "Received", "DKIM-Signature"] {
            #expect(throws: MessageError(field: "headers", problem: .reserved)) {
                try composed { $0.headers = [.init(name, "x")] }
            }
        }
        #expect(throws: MessageError(field: "headers", problem: .reserved)) {
            try composed { $0.headers = [.init("X-A", "x"), .init("x-a", "y")] }
        }
        #expect(throws: MessageError(field: "Subject", problem: .tooLong)) {
            try composed { $0.subject = String(repeating: "x", count: 2_001) }
        }
        for url in ["http://a.example", "https://a.example/>", "https://a.example/ b", "https://a.example/,<x>"] {
            #expect(throws: MessageError(field: "List-Unsubscribe", problem: .malformed)) {
                try composed { $0.unsubscribe = .init(url: url) }
            }
        }
        for id in ["", "a", "a@", "@b", "a@b@c", "a b@c", "<a@b>", "a..b@c", "a@b.", "ä@b"] {
            #expect(throws: MessageError(field: "Message-ID", problem: .malformed)) {
                try composed { $0.messageID = id }
            }
        }
    }

    @Test("is 7-bit, with CRLF and short lines, whatever the bodies are made of")
    func bodies() throws {
        let alphabet = [
            "a", " ", "\t", "\n", "\r", "\r\n", ".", "=", "ü", "語", "😀", "\0", "From ", "--=_b",
            String(repeating: "x", count: 80),
        ]
        for round in 0..<300 {
            let text = (0..<Int.random(in: 0...60)).map { _ in alphabet.randomElement()! }.joined()
            let foreign = round.isMultiple(of: 3) ? text + String(repeating: "語", count: text.count) : text
            let bytes = try MIMEComposer.compose(
                { () -> EmailMessage in
                    var message = Self.message
                    message.text = foreign
                    message.html = nil
                    return message
                }(), boundary: "=_b")
            #expect(bytes.allSatisfy { $0 < 0x80 && $0 != 0 })
            for index in bytes.indices {
                if bytes[index] == 10 { #expect(index > 0 && bytes[index - 1] == 13) }
                if bytes[index] == 13 { #expect(index + 1 < bytes.count && bytes[index + 1] == 10) }
            }
            let mail = String(decoding: bytes, as: UTF8.self)
            let body = mail.components(after: "\r\n\r\n")
            #expect(!body.contains("=_"), "no body can hold a boundary")
            for line in body.split(separator: "\r\n") {
                #expect(line.utf8.count <= 76 && !line.hasPrefix(".") && !line.hasPrefix("From ") && line.last != " ")
            }
            let isBase64 = mail.contains("Content-Transfer-Encoding: base64")
            var canonical = foreign.replacingLineEnds()
            if !isBase64, !canonical.isEmpty, !canonical.hasSuffix("\r\n") { canonical += "\r\n" }
            let decoded = isBase64 ? decodedBase64(body) : decodedQuotedPrintable(body)
            #expect(decoded == Array(canonical.utf8))
        }
    }

    @Test("has a boundary that nobody can guess")
    func boundary() {
        let boundaries = (0..<100).map { _ in MIMEComposer.randomBoundary() }
        #expect(Set(boundaries).count == 100 && boundaries.allSatisfy { $0.hasPrefix("=_") && $0.utf8.count == 34 })
    }

    @Test(
        "has a date in the form of mail",
        arguments: [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"), (1_795_291_320, "Sat, 21 Nov 2026 20:02:00 +0000"),
        ])
    func dates(seconds: Int64, text: String) {
        #expect(InternetDate.text(Instant(seconds: seconds)) == text)
    }
}
