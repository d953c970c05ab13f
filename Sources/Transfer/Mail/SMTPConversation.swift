/// The part of an SMTP session that belongs to one message: `MAIL FROM`, `RCPT TO`, `DATA`, the message, the answer
/// (RFC 5321 §3.3), pipelined where the server allows it (RFC 2920). Pure: it says what to send and what the answers mean.
///
/// States: commands in flight → (354) message in flight → acknowledgement awaited → finished. A refusal of any command
/// finishes it at once, unless commands behind it are still to be answered.
struct SMTPConversation {
    /// What to do next.
    enum Action: Equatable {
        /// Nothing until the next reply.
        case wait
        /// Send these command bytes.
        case send([UInt8])
        /// Send the message with its end.
        case sendMessage
        /// The message is accepted; the session can carry another.
        case accepted(SMTPReply)
        /// The message is refused. `fate` says what the session is good for.
        case refused(SMTPReply, TransferError.Phase, SessionFate)
        /// The server answered what it may not answer.
        case violation
    }

    /// What a session is good for after a refusal.
    enum SessionFate: Equatable {
        /// Another message, after `RSET` if a transaction is open.
        case reusable(needsReset: Bool)
        /// Nothing: the server ends it, or its state is not known.
        case ended
    }

    private enum Step: Equatable {
        case reset, sender, recipient, data, acknowledgement, discarded
    }

    private var unsent: [(step: Step, command: [UInt8])]
    private var unanswered: [Step] = []
    private var refusal: (reply: SMTPReply, phase: TransferError.Phase)?
    private var isMessageInFlight = false
    private let pipelining: Bool

    /// How far the conversation came.
    private(set) var phase: TransferError.Phase = .sender
    /// Whether any reply arrived in it.
    private(set) var hasReplies = false

    /// Makes the conversation of one message. The addresses are already checked to be free of line breaks and `<>`.
    init(sender: String, recipient: String, size: Int, capabilities: SMTPCapabilities, needsReset: Bool) {
        pipelining = capabilities.pipelining
        unsent = needsReset ? [(.reset, Array("RSET\r\n".utf8))] : []
        let declared = capabilities.size ? " SIZE=\(size)" : ""
        unsent.append((.sender, Array("MAIL FROM:<\(sender)>\(declared)\r\n".utf8)))
        unsent.append((.recipient, Array("RCPT TO:<\(recipient)>\r\n".utf8)))
        unsent.append((.data, Array("DATA\r\n".utf8)))
    }

    /// The bytes to begin with: one command, or all of them where pipelining is allowed.
    mutating func begin() -> [UInt8] {
        nextCommands()
    }

    /// Takes note that the whole message and its end were handed to the connection: from here on only a reply tells
    /// whether the server took it.
    mutating func messageWasSent() {
        isMessageInFlight = false
        phase = .acknowledgement
    }

    /// Takes a reply and says what follows from it.
    mutating func receive(_ parsed: SMTPReplyParser.Reply) -> Action {
        hasReplies = true
        let reply = SMTPReply(code: parsed.code, lines: parsed.lines)
        // 421 may answer anything: the server ends the session (RFC 5321 §3.8).
        if reply.code == 421 { return .refused(reply, phase, .ended) }
        if isMessageInFlight {
            // The server gave up before the end of the message; the rest must not be taken for commands.
            return reply.isPositive || reply.code < 400 ? .violation : .refused(reply, .message, .ended)
        }
        guard !unanswered.isEmpty else { return .violation }
        switch unanswered.removeFirst() {
        case .reset:
            return reply.isPositive ? proceed() : .refused(reply, .sender, .ended)
        case .sender:
            if !reply.isPositive { return refuse(reply, .sender) }
            phase = .recipient
            return proceed()
        case .recipient:
            if !reply.isPositive { return refuse(reply, .recipient) }
            phase = .data
            return proceed()
        case .data:
            return answerToData(reply)
        case .acknowledgement:
            if reply.isPositive { return .accepted(reply) }
            return reply.code < 400 ? .violation : .refused(reply, .acknowledgement, .reusable(needsReset: false))
        case .discarded:
            guard let refusal else { return .violation }
            return .refused(refusal.reply, refusal.phase, .reusable(needsReset: true))
        }
    }

    private mutating func answerToData(_ reply: SMTPReply) -> Action {
        guard reply.code == 354 else {
            guard reply.code >= 400 else { return .violation }
            let first = refusal ?? (reply, .data)
            return .refused(first.reply, first.phase, .reusable(needsReset: true))
        }
        guard refusal == nil else {
            // Pipelined DATA was accepted although nobody is to receive: an empty message ends it (RFC 2920 §3.1).
            unanswered.append(.discarded)
            return .send(Array(".\r\n".utf8))
        }
        phase = .message
        isMessageInFlight = true
        unanswered.append(.acknowledgement)
        return .sendMessage
    }

    private mutating func refuse(_ reply: SMTPReply, _ phase: TransferError.Phase) -> Action {
        guard reply.code >= 400 else { return .violation }
        if refusal == nil { refusal = (reply, phase) }
        if !unanswered.isEmpty { return .wait }
        return .refused(reply, phase, .reusable(needsReset: true))
    }

    private mutating func proceed() -> Action {
        let commands = nextCommands()
        return commands.isEmpty ? .wait : .send(commands)
    }

    private mutating func nextCommands() -> [UInt8] {
        guard !unsent.isEmpty else { return [] }
        let ready = pipelining ? unsent[...] : unsent[..<1]
        let bytes = ready.flatMap(\.command)
        unanswered.append(contentsOf: ready.map(\.step))
        unsent.removeFirst(ready.count)
        return bytes
    }
}
