/// Why a transfer did not succeed, and how far it came.
///
/// The description holds codes only: never an address, a credential, a URL or text of the peer. The peer's text is in
/// ``SMTPReply/text``, for those who may see it.
package struct TransferError: Error, Sendable, Hashable {
    /// Kinds of failure. Raw values are stable: they are stored with delivery attempts.
    package enum Code: String, Sendable {
        /// The request itself cannot be sent: bad host, address, header or URL, or credentials without encryption.
        case invalidRequest = "invalid_request"
        /// The host name could not be resolved.
        case resolve
        /// No connection to any of the host's addresses.
        case connect
        /// Every address of the host is one that ``AddressPolicy`` forbids.
        case addressForbidden = "address_forbidden"
        /// The TLS handshake failed or the certificate is not trusted; nothing was sent.
        case tls
        /// STARTTLS is required and the server does not offer it or refused it; nothing was sent.
        case encryptionRefused = "encryption_refused"
        /// The server refused the credentials, or offers no way to present them.
        case authenticationRefused = "authentication_refused"
        /// The server answered with a refusal; see ``TransferError/reply``.
        case refused
        /// A phase or the whole took longer than allowed.
        case timeout
        /// The connection ended before the exchange was complete.
        case connectionLost = "connection_lost"
        /// The peer does not keep to its protocol.
        case protocolViolation = "protocol_violation"
        /// The answer's header is larger than allowed.
        case responseTooLarge = "response_too_large"
        /// More transfers wait than the client's bound allows; nothing was sent.
        case queueFull = "queue_full"
        /// The calling task was cancelled.
        case cancelled
        /// The client is closed.
        case closed
        /// libcurl failed in a way that none of the above describes; see ``TransferError/libraryCode``.
        case library
    }

    /// How far an exchange came.
    package enum Phase: String, Sendable {
        /// Waiting for a free connection.
        case queued
        /// Name lookup, connection, TLS, greeting and authentication.
        case connecting
        /// `MAIL FROM` was sent.
        case sender
        /// `RCPT TO` is not answered yet.
        case recipient
        /// `DATA` is not answered yet.
        case data
        /// The message is being sent; its end is not.
        case message
        /// The message is sent whole and not answered yet.
        case acknowledgement
        /// An HTTP request is on its way or its answer is.
        case exchange
    }

    /// The kind of failure.
    package let code: Code
    /// How far the exchange came.
    package let phase: Phase
    /// The SMTP reply that refused, if there was one.
    package let reply: SMTPReply?
    /// Whether the peer may have done what was asked although no answer arrived. Only then may repeating the transfer
    /// do it twice.
    package let isOutcomeUnknown: Bool
    /// libcurl's own code (`CURLcode`), where it was libcurl that failed.
    package let libraryCode: UInt32?

    /// Makes an error.
    package init(
        _ code: Code, phase: Phase, reply: SMTPReply? = nil, isOutcomeUnknown: Bool = false, libraryCode: UInt32? = nil
    ) {
        self.code = code
        self.phase = phase
        self.reply = reply
        self.isOutcomeUnknown = isOutcomeUnknown
        self.libraryCode = libraryCode
    }
}

extension TransferError: CustomStringConvertible {
    /// Codes only, fit for a log.
    package var description: String {
        var text = "\(code.rawValue) while \(phase.rawValue)"
        if let reply { text += ", reply \(reply)" }
        if let libraryCode { text += ", libcurl \(libraryCode)" }
        if isOutcomeUnknown { text += ", outcome unknown" }
        return text
    }
}
