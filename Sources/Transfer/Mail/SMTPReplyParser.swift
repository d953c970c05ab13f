/// Cuts the bytes of an SMTP server into replies, in whatever pieces they arrive. Pure.
///
/// A bare LF ends a line as well as CRLF does. What is longer than the limits is a violation rather than a reason to keep
/// more: a hostile server can neither fill the memory nor be read forever.
struct SMTPReplyParser {
    /// A whole reply: its code and the text of each of its lines.
    struct Reply: Equatable {
        let code: Int
        let lines: [String]
    }

    /// The server does not speak SMTP, or speaks without end.
    struct Violation: Error, Equatable {}

    /// RFC 5321 §4.5.3.1.5 allows 512; some servers write more.
    static let lineLimit = 2048
    static let lineCountLimit = 100

    private var line: [UInt8] = []
    private var code = 0
    private var lines: [String] = []

    /// Whether a reply has begun and is not complete.
    var isInside: Bool { !line.isEmpty || !lines.isEmpty }

    /// Takes bytes and returns the replies that they complete.
    mutating func receive(_ bytes: some Sequence<UInt8>) throws(Violation) -> [Reply] {
        var replies: [Reply] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                guard line.count < Self.lineLimit else { throw Violation() }
                line.append(byte)
                continue
            }
            if let reply = try endOfLine() { replies.append(reply) }
        }
        return replies
    }

    private mutating func endOfLine() throws(Violation) -> Reply? {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        defer { line.removeAll(keepingCapacity: true) }
        guard line.count >= 3, lines.count < Self.lineCountLimit else { throw Violation() }
        var value = 0
        for byte in line[..<3] {
            guard byte >= 0x30, byte <= 0x39 else { throw Violation() }
            value = value * 10 + Int(byte - 0x30)
        }
        guard (200...599).contains(value), lines.isEmpty || value == code else { throw Violation() }
        code = value
        let isLast = line.count == 3 || line[3] == UInt8(ascii: " ")
        guard isLast || line[3] == UInt8(ascii: "-") else { throw Violation() }
        lines.append(Self.printable(line.dropFirst(4)))
        guard isLast else { return nil }
        defer { lines.removeAll(keepingCapacity: true) }
        return Reply(code: value, lines: lines)
    }

    private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
