import Testing

@testable import Transfer

/// Each test reads as a transcript: what is sent, what the server says, what follows.
@Suite("The SMTP conversation of a message")
struct SMTPConversationTests {
    private func conversation(pipelining: Bool, needsReset: Bool = false, size: Bool = false) -> SMTPConversation {
        var capabilities = SMTPCapabilities.none
        capabilities.pipelining = pipelining
        capabilities.size = size
        return SMTPConversation(
            sender: "s@a.example", recipient: "r@b.example", size: 42, capabilities: capabilities,
            needsReset: needsReset)
    }

    private func reply(_ code: Int, _ text: String = "") -> SMTPReplyParser.Reply {
        .init(code: code, lines: [text])
    }

    private func sent(_ text: String) -> SMTPConversation.Action { .send(Array(text.utf8)) }

    private func refused(
        _ code: Int, _ phase: TransferError.Phase, _ fate: SMTPConversation.SessionFate
    ) -> SMTPConversation.Action {
        .refused(SMTPReply(code: code, lines: [""]), phase, fate)
    }

    @Test("step by step")
    func stepByStep() {
        var it = conversation(pipelining: false)
        #expect(it.begin() == Array("MAIL FROM:<s@a.example>\r\n".utf8))
        #expect(it.phase == .sender)
        #expect(it.receive(reply(250)) == sent("RCPT TO:<r@b.example>\r\n"))
        #expect(it.phase == .recipient)
        #expect(it.receive(reply(250)) == sent("DATA\r\n"))
        #expect(it.phase == .data)
        #expect(it.receive(reply(354)) == .sendMessage)
        #expect(it.phase == .message)
        it.messageWasSent()
        #expect(it.phase == .acknowledgement)
        #expect(it.receive(reply(250)) == .accepted(SMTPReply(code: 250, lines: [""])))
    }

    @Test("pipelined, with a reset and the size before it")
    func pipelined() {
        var it = conversation(pipelining: true, needsReset: true, size: true)
        let commands = "RSET\r\nMAIL FROM:<s@a.example> SIZE=42\r\nRCPT TO:<r@b.example>\r\nDATA\r\n"
        #expect(String(decoding: it.begin(), as: UTF8.self) == commands)
        #expect(it.receive(reply(250)) == .wait)
        #expect(it.receive(reply(250)) == .wait)
        #expect(it.receive(reply(250)) == .wait)
        #expect(it.receive(reply(354)) == .sendMessage)
        it.messageWasSent()
        #expect(it.receive(reply(250)) == .accepted(SMTPReply(code: 250, lines: [""])))
    }

    @Test("the recipient refused")
    func recipientRefused() {
        var it = conversation(pipelining: false)
        _ = it.begin()
        _ = it.receive(reply(250))
        #expect(it.receive(reply(550)) == refused(550, .recipient, .reusable(needsReset: true)))
    }

    @Test("the recipient refused, with commands behind it that are still answered")
    func recipientRefusedPipelined() {
        var it = conversation(pipelining: true)
        _ = it.begin()
        #expect(it.receive(reply(250)) == .wait)
        #expect(it.receive(reply(550)) == .wait)
        #expect(it.receive(reply(503)) == refused(550, .recipient, .reusable(needsReset: true)))
    }

    @Test("the recipient refused, and the data wanted all the same: an empty message ends it")
    func recipientRefusedDataWanted() {
        var it = conversation(pipelining: true)
        _ = it.begin()
        _ = it.receive(reply(250))
        _ = it.receive(reply(450))
        #expect(it.receive(reply(354)) == sent(".\r\n"))
        #expect(it.phase != .acknowledgement)
        #expect(it.receive(reply(554)) == refused(450, .recipient, .reusable(needsReset: true)))
    }

    @Test("the sender refused: the first refusal is the reason")
    func senderRefused() {
        var it = conversation(pipelining: true)
        _ = it.begin()
        #expect(it.receive(reply(552)) == .wait)
        #expect(it.receive(reply(503)) == .wait)
        #expect(it.receive(reply(503)) == refused(552, .sender, .reusable(needsReset: true)))
    }

    @Test("the message refused after its end")
    func messageRefused() {
        var it = conversation(pipelining: false)
        _ = it.begin()
        _ = it.receive(reply(250))
        _ = it.receive(reply(250))
        _ = it.receive(reply(354))
        it.messageWasSent()
        #expect(it.receive(reply(554)) == refused(554, .acknowledgement, .reusable(needsReset: false)))
    }

    @Test("an answer before the message's end ends the session")
    func earlyAnswer() {
        for (code, action) in [(552, refused(552, .message, .ended)), (250, .violation), (354, .violation)] {
            var it = conversation(pipelining: false)
            _ = it.begin()
            _ = it.receive(reply(250))
            _ = it.receive(reply(250))
            _ = it.receive(reply(354))
            #expect(it.receive(reply(code)) == action)
        }
    }

    @Test("421 ends the session wherever it comes", arguments: 0...4)
    func closing(step: Int) {
        var it = conversation(pipelining: false, needsReset: true)
        _ = it.begin()
        for code in [250, 250, 250, 354].prefix(step) { _ = it.receive(reply(code)) }
        if step == 4 { it.messageWasSent() }
        let phases: [TransferError.Phase] = [.sender, .sender, .recipient, .data, .acknowledgement]
        #expect(it.receive(reply(421)) == refused(421, phases[step], .ended))
    }

    @Test("answers that mean nothing are violations")
    func violations() {
        var it = conversation(pipelining: false)
        _ = it.begin()
        #expect(it.receive(reply(354)) == .violation)
        it = conversation(pipelining: false)
        _ = it.begin()
        _ = it.receive(reply(250))
        _ = it.receive(reply(250))
        #expect(it.receive(reply(250)) == .violation)
        _ = it.receive(reply(250))
        #expect(it.receive(reply(250)) == .violation)
    }
}
