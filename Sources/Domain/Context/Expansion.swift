// Filling in a type's one-line templates. The context was checked when the event came in, so a value that is not there
// was masked or is one that Carillon itself fills in.

extension NotificationType {
    /// The longest subject, in characters; longer ones end in an ellipsis.
    package static let subjectLimit = 200

    /// The subject line or push title for one recipient and channel. Values that may not be shown on the channel are
    /// masked. The result is one line without control characters, so it cannot add a header to a mail.
    ///
    /// - Parameters:
    ///   - context: the event's context.
    ///   - implicit: the values of ``Variable/implicitNames``.
    ///   - channel: where the subject will be shown.
    ///   - settings: what the tenant allows outside the portal.
    package func subject(
        _ context: Context, implicit: [String: String] = [:], on channel: Channel, settings: TenantSettings
    ) -> String {
        let shown = Masking.shown(context, on: channel, of: self, settings: settings).context
        let text = subject.expanded { name in shown[name]?.text ?? implicit[name] ?? Masking.mask }
        return Self.oneLine(text, limit: Self.subjectLimit)
    }

    /// The path that leads a recipient of `audience` to what the event is about, below the portal's own address;
    /// nil when the type has none for the audience. Every value is percent-encoded, so it stays one segment.
    package func link(_ context: Context, for audience: Audience) -> String? {
        link(for: audience)?.expanded { name in Self.percentEncoded(context[name]?.text ?? "") }
    }

    /// What makes two publications the same.
    ///
    /// - Parameters:
    ///   - context: the event's context.
    ///   - sourceEvent: the producer's own id of what happened.
    ///   - recipient: for digests, who.
    ///   - windowStart: for digests, when the window opened.
    ///   - step: for reminders, which of the series.
    package func dedupeKey(
        _ context: Context, sourceEvent: String, recipient: UserID? = nil, windowStart: Instant? = nil,
        step: String? = nil
    ) -> String {
        dedupeKey.expanded { name in
            let value =
                switch name {
                case "source_event_id": sourceEvent
                case "recipient_id": recipient?.rawValue ?? ""
                case "window_start": windowStart?.description ?? ""
                case "step": step ?? ""
                default: context[name]?.text ?? ""
                }
            // Encoded, or two values with colons in them could make the key of two others.
            return Self.percentEncoded(value)
        }
    }

    /// `text` in one line of at most `limit` characters: control characters become spaces, runs of spaces one space.
    static func oneLine(_ text: String, limit: Int) -> String {
        let words = text.unicodeScalars.split { $0.isControl || $0.properties.isWhitespace }
        let line = words.map { String($0) }.joined(separator: " ")
        guard line.unicodeScalars.count > limit else { return line }
        return String(line.unicodeScalars.prefix(limit - 1)) + "…"
    }

    /// `text` with everything but unreserved characters (RFC 3986, section 2.3) as `%XX`.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            case _ where ASCII.isAlphanumeric(byte):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
