internal import Domain

/// Puts a message into the form in which it travels: RFC 5322 with MIME (RFC 2045…2047). Pure; the same message with the same
/// boundary gives the same bytes.
///
/// All bytes are 7-bit, all lines end with CRLF and none is longer than 998 bytes. No header value can begin another
/// field: line breaks and other controls are refused, not removed.
package enum MIMEComposer {
    /// Names of fields that the message makes itself or that a relay owns; compared in lower case.
    private static let reserved: Set<String> = [
        "from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "mime-version",
        "auto-submitted",
        "content-type", "content-transfer-encoding", "content-disposition", "list-unsubscribe", "list-unsubscribe-post",
        "return-path", "received", "dkim-signature",
    ]

    /// A boundary that nobody can guess. It holds `=_`, which neither encoding of a body can produce.
    package static func randomBoundary() -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<2).map { _ in
            let hex = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - hex.count) + hex
        }
        return "=_" + digits.joined()
    }

    /// The message's bytes.
    ///
    /// - Parameters:
    ///   - message: what to say.
    ///   - boundary: what parts the two bodies: `=_` and letters and digits, at most 70 characters.
    /// - Throws: ``MessageError`` if a field cannot be put into a header as it is.
    package static func compose(_ message: EmailMessage, boundary: String) throws(MessageError) -> [UInt8] {
        precondition(
            boundary.hasPrefix("=_") && (3...70).contains(boundary.utf8.count)
                && boundary.utf8.dropFirst(2).allSatisfy(HeaderText.isAlphanumeric), "not a boundary")
        var bytes = Array(try header(of: message).utf8)
        guard let html = message.html else {
            appendBody(message.text, type: "text/plain", to: &bytes)
            return bytes
        }
        bytes += "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n\r\n".utf8
        // The last alternative is the one that readers prefer (RFC 2046 §5.1.4).
        for (text, type) in [(message.text, "text/plain"), (html, "text/html")] {
            bytes += "--\(boundary)\r\n".utf8
            appendBody(text, type: type, to: &bytes)
        }
        bytes += "--\(boundary)--\r\n".utf8
        return bytes
    }

    private static func header(of message: EmailMessage) throws(MessageError) -> String {
        var header = try HeaderText.mailbox("From", message.from)
        header += try HeaderText.mailbox("To", message.to)
        if let replyTo = message.replyTo { header += try HeaderText.mailbox("Reply-To", replyTo) }
        header += try HeaderText.unstructured("Subject", message.subject)
        header += "Date: \(InternetDate.text(message.date))\r\n"
        guard isMessageID(message.messageID) else { throw MessageError(field: "Message-ID", problem: .malformed) }
        header += try HeaderText.tokens("Message-ID", ["<\(message.messageID)>"])
        // RFC 3834: no vacation answers, please.
        header += "Auto-Submitted: auto-generated\r\n"
        if let unsubscribe = message.unsubscribe { header += try fields(of: unsubscribe) }
        var seen: Set<String> = []
        for field in message.headers {
            let name = field.name.lowercased()
            guard !reserved.contains(name), seen.insert(name).inserted else {
                throw MessageError(field: "headers", problem: .reserved)
            }
            guard (1...60).contains(field.name.utf8.count),
                field.name.utf8.allSatisfy({ HeaderText.isAlphanumeric($0) || $0 == UInt8(ascii: "-") })
            else { throw MessageError(field: "headers", problem: .malformed) }
            header += try HeaderText.unstructured(field.name, field.value)
        }
        return header + "MIME-Version: 1.0\r\n"
    }

    private static func fields(of unsubscribe: EmailMessage.Unsubscribe) throws(MessageError) -> String {
        let name = "List-Unsubscribe"
        guard unsubscribe.url.hasPrefix("https://"), unsubscribe.mailto?.hasPrefix("mailto:") ?? true else {
            throw MessageError(field: name, problem: .malformed)
        }
        let addresses = [unsubscribe.url] + (unsubscribe.mailto.map { [$0] } ?? [])
        guard addresses.allSatisfy({ !$0.utf8.contains(where: { "<>,".utf8.contains($0) }) }) else {
            throw MessageError(field: name, problem: .malformed)
        }
        return try HeaderText.tokens(name, addresses.map { "<\($0)>" }, separator: ",")
            + "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    }

    /// `left@right`, both dot-atoms (RFC 5322 §3.6.4).
    private static func isMessageID(_ text: String) -> Bool {
        let sides = text.split(separator: "@", omittingEmptySubsequences: false)
        return text.utf8.count <= 250 && sides.count == 2
            && sides.allSatisfy { side in
                side.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
                    !atom.isEmpty && atom.utf8.allSatisfy(HeaderText.isAtomByte)
                }
            }
    }

    private static func appendBody(_ text: String, type: String, to bytes: inout [UInt8]) {
        let content = Array(text.utf8)
        let isMostlyForeign = content.count { $0 >= 0x80 } * 6 > content.count
        let encoding = isMostlyForeign ? "base64" : "quoted-printable"
        bytes += "Content-Type: \(type); charset=utf-8\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n".utf8
        bytes += isMostlyForeign ? Base64.lines(withCanonicalLineEnds(content)) : QuotedPrintable.lines(content)
    }

    /// Base64 of text is of its form with CRLF (RFC 2046 §4.1.1).
    private static func withCanonicalLineEnds(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + 64)
        for (index, byte) in text.enumerated() {
            if byte == 10 {
                if index == 0 || text[index - 1] != 13 { output.append(13) }
                output.append(10)
            } else {
                output.append(byte)
                if byte == 13, index + 1 == text.count || text[index + 1] != 10 { output.append(10) }
            }
        }
        return output
    }
}
