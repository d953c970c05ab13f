/// One message to one recipient over one route.
package struct MailTransfer: Sendable {
    /// Where it is handed over.
    package let route: MailRoute
    /// Envelope sender (`MAIL FROM`) as `local@domain`; empty for the null reverse-path.
    package let sender: String
    /// Envelope recipient (`RCPT TO`) as `local@domain`.
    package let recipient: String
    /// The message with header and body, 7-bit. Line ends are made CRLF and leading dots are doubled on the way.
    package let message: [UInt8]
    /// How long it may take.
    package let timeouts: TransferTimeouts

    /// Makes a transfer.
    package init(
        route: MailRoute, sender: String, recipient: String, message: [UInt8],
        timeouts: TransferTimeouts = TransferTimeouts()
    ) {
        self.route = route
        self.sender = sender
        self.recipient = recipient
        self.message = message
        self.timeouts = timeouts
    }

    /// Whether the transfer can be put into SMTP commands without changing their meaning.
    var isValid: Bool {
        route.isValid && (sender.isEmpty || Self.isEnvelopeAddress(sender)) && Self.isEnvelopeAddress(recipient)
    }

    /// No spaces, controls, angle brackets or non-ASCII; a text on both sides of an `@`; at most 254 bytes (RFC 5321
    /// §4.5.3.1.3). What a mailbox may look like is decided above.
    static func isEnvelopeAddress(_ address: String) -> Bool {
        guard (3...254).contains(address.utf8.count), let at = address.utf8.lastIndex(of: UInt8(ascii: "@")),
            at != address.utf8.startIndex, address.utf8.index(after: at) != address.utf8.endIndex
        else { return false }
        return address.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">")
        }
    }
}

/// Proof that a server took the responsibility for a message.
package struct MailReceipt: Sendable, Hashable {
    /// The server's last reply; its text usually names the server's own queue id.
    package let reply: SMTPReply
    /// Whether the message travelled on a connection that had carried another before.
    package let wasConnectionReused: Bool
}

/// How long the parts of a transfer may take. Longer is ``TransferError/Code/timeout``.
package struct TransferTimeouts: Sendable, Hashable {
    /// Name lookup, connection, TLS, greeting and authentication together.
    package var connect: Duration
    /// Silence of the peer while it is its turn: no whole reply (SMTP), no byte taken or given (HTTP).
    package var silence: Duration
    /// The whole, from the call to the answer, the wait for a free connection included.
    package var total: Duration

    /// Makes timeouts.
    package init(connect: Duration = .seconds(20), silence: Duration = .seconds(60), total: Duration = .seconds(180)) {
        self.connect = connect
        self.silence = silence
        self.total = total
    }
}
