import Testing

@testable import Transfer

@Suite("SMTP replies")
struct SMTPReplyTests {
    @Test("are cut at line ends, in whatever pieces they arrive")
    func pieces() throws {
        let bytes = Array("250-first\r\n250 second\r\n354 go\n".utf8)
        for size in 1...bytes.count {
            var parser = SMTPReplyParser()
            var replies: [SMTPReplyParser.Reply] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                replies += try parser.receive(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(replies == [.init(code: 250, lines: ["first", "second"]), .init(code: 354, lines: ["go"])])
            #expect(!parser.isInside)
        }
    }

    @Test("without text are replies", arguments: ["250\r\n", "250 \r\n"])
    func bare(text: String) throws {
        var parser = SMTPReplyParser()
        #expect(try parser.receive(text.utf8) == [.init(code: 250, lines: [""])])
    }

    @Test(
        "that are none are violations",
        arguments: [
            "25\r\n", "2a0 x\r\n", "199 x\r\n", "600 x\r\n", "250_x\r\n", "250-a\r\n251 b\r\n", "HTTP/1.1 200 OK\r\n",
            String(repeating: "2", count: 3000), String(repeating: "250-x\r\n", count: 101),
        ])
    func violations(text: String) {
        var parser = SMTPReplyParser()
        #expect(throws: SMTPReplyParser.Violation.self) { try parser.receive(text.utf8) }
    }

    @Test("carry an enhanced status of their own class only")
    func enhanced() {
        #expect(SMTPReply(code: 550, lines: ["5.1.1 No such user"]).enhanced == EnhancedStatus(5, 1, 1))
        #expect(SMTPReply(code: 550, lines: ["5.1.1 No", "5.1.1 such"]).text == "No such")
        #expect(SMTPReply(code: 550, lines: ["4.1.1 No such user"]).enhanced == nil)
        #expect(SMTPReply(code: 550, lines: ["5.1 No"]).enhanced == nil)
        #expect(SMTPReply(code: 550, lines: ["5.1.1000 No"]).enhanced == nil)
        #expect(SMTPReply(code: 550, lines: ["5.+1.1 No"]).enhanced == nil)
        #expect(SMTPReply(code: 354, lines: ["3.0.0 go"]).enhanced == nil)
        #expect(SMTPReply(code: 421, lines: ["4.7.0"]).enhanced == EnhancedStatus(4, 7, 0))
    }

    @Test("keep controls and the server's words out of descriptions")
    func descriptions() throws {
        var parser = SMTPReplyParser()
        let parsed = try parser.receive("550 5.1.1 <ann@example.org>\u{1B}[31m\r\n".utf8)[0]
        let reply = SMTPReply(code: parsed.code, lines: parsed.lines)
        #expect(reply.text == "<ann@example.org>?[31m")
        #expect("\(reply)" == "550 5.1.1")
        #expect(
            "\(TransferError(.refused, phase: .recipient, reply: reply))" == "refused while recipient, reply 550 5.1.1")
    }

    @Test("to EHLO name what the server can do")
    func capabilities() {
        let both = SMTPCapabilities(lines: ["mx.example", "pipelining", "SIZE 1000", "8BITMIME"])
        #expect(both.pipelining && both.size)
        #expect(SMTPCapabilities(lines: ["PIPELINING"]) == .none)
    }
}
