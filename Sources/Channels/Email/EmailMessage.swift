package import Domain

/// One e-mail to one recipient, finished but for its transport form.
package struct EmailMessage: Sendable, Hashable {
    /// A header field that the message carries besides its own.
    package struct Header: Sendable, Hashable {
        /// The field's name; those that the message makes itself are refused.
        package let name: String
        /// The field's value, one line.
        package let value: String

        /// Makes a field; it is checked when the message is composed.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// How the recipient can stop this kind of mail with one click (RFC 2369, RFC 8058).
    package struct Unsubscribe: Sendable, Hashable {
        /// An https address that takes a POST without cookies or sign-in.
        package let url: String
        /// A mailto address besides, if there is one.
        package let mailto: String?

        /// Makes the offer; it is checked when the message is composed.
        package init(url: String, mailto: String? = nil) {
            self.url = url
            self.mailto = mailto
        }
    }

    /// Who it is from; its address is the envelope's sender too, so bounces go there.
    package var from: Mailbox
    /// Who it is to.
    package var to: Mailbox
    /// Where answers go, if not to the sender.
    package var replyTo: Mailbox?
    /// The subject, one line of any characters.
    package var subject: String
    /// The text, of any characters and line ends.
    package var text: String
    /// The same as HTML; `nil` for a mail of text only.
    package var html: String?
    /// The Message-ID without its angle brackets: the same on every repeat of the same delivery.
    package var messageID: String
    /// When the message came to be.
    package var date: Instant
    /// The offer to unsubscribe, for what may be unsubscribed from.
    package var unsubscribe: Unsubscribe?
    /// Further header fields.
    package var headers: [Header]

    /// Makes a message. Nothing is checked before it is composed.
    package init(
        from: Mailbox, to: Mailbox, replyTo: Mailbox? = nil, subject: String, text: String, html: String? = nil,
        messageID: String, date: Instant, unsubscribe: Unsubscribe? = nil, headers: [Header] = []
    ) {
        self.from = from
        self.to = to
        self.replyTo = replyTo
        self.subject = subject
        self.text = text
        self.html = html
        self.messageID = messageID
        self.date = date
        self.unsubscribe = unsubscribe
        self.headers = headers
    }
}

/// Why a message cannot be put into its transport form. The description names the field, never its value.
package struct MessageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Problem: String, Sendable, Hashable {
        /// A line break, NUL or another control character.
        case controlCharacter = "control_character"
        /// Not in the form that the field has.
        case malformed
        /// A field that the message makes itself, or that appears twice.
        case reserved
        /// Longer than a mail's field may be.
        case tooLong = "too_long"
    }

    /// The field concerned.
    package let field: String
    /// What is wrong with it.
    package let problem: Problem

    package var description: String { "\(field): \(problem.rawValue)" }
}
