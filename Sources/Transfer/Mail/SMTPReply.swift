/// An answer of an SMTP server (RFC 5321 §4.2) with its enhanced status code (RFC 3463).
package struct SMTPReply: Sendable, Hashable {
    /// The three-digit reply code, 200…599.
    package let code: Int
    /// The enhanced status code such as 5.1.1, if the server sent one of the same class.
    package let enhanced: EnhancedStatus?
    /// The server's words without codes, printable ASCII, at most ``textLimit`` bytes. May name addresses: keep it out
    /// of logs.
    package let text: String

    /// The longest text that is kept.
    package static let textLimit = 300

    /// Makes a reply from its code and its lines, which are the texts behind the codes.
    package init(code: Int, lines: [String]) {
        self.code = code
        enhanced = lines.first.flatMap { EnhancedStatus(leading: $0, class: code / 100) }
        let strip = enhanced.map { "\($0) " }
        let words = lines.map { line in
            guard let strip, line.hasPrefix(strip) else { return line }
            return String(line.dropFirst(strip.count))
        }
        text = String(words.joined(separator: " ").prefix(Self.textLimit))
    }

    /// Whether the server did what it was asked (2xx).
    package var isPositive: Bool { code / 100 == 2 }
    /// Whether the refusal is temporary (4xx).
    package var isTransient: Bool { code / 100 == 4 }
}

extension SMTPReply: CustomStringConvertible {
    /// The codes without the server's words.
    package var description: String {
        enhanced.map { "\(code) \($0)" } ?? "\(code)"
    }
}

/// An enhanced mail system status code (RFC 3463): class, subject, detail.
package struct EnhancedStatus: Sendable, Hashable, CustomStringConvertible {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    package let category: Int
    /// What the status is about: 1 address, 2 mailbox, 3 mail system, 4 routing, 5 protocol, 6 content, 7 policy.
    package let subject: Int
    /// The condition within the subject, 0…999.
    package let detail: Int

    /// Makes a status from its three numbers.
    package init(_ category: Int, _ subject: Int, _ detail: Int) {
        self.category = category
        self.subject = subject
        self.detail = detail
    }

    /// Reads the status a reply's text begins with; `nil` if there is none or it contradicts the reply code's class.
    package init?(leading text: String, class expected: Int) {
        let token = text.prefix { $0 != " " }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let numbers = parts.compactMap { part in
            (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(part) : nil
        }
        guard numbers.count == 3, numbers[0] == expected, [2, 4, 5].contains(expected) else { return nil }
        self.init(numbers[0], numbers[1], numbers[2])
    }

    package var description: String { "\(category).\(subject).\(detail)" }
}
