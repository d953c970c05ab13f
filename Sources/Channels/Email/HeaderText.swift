/// The forms that text takes in a mail's header: folding (RFC 5322 §2.2.3) and encoded words (RFC 2047). Pure.
enum HeaderText {
    /// The length that a line should have at most, without its CRLF (RFC 5322 §2.1.1).
    static let lineLength = 78
    /// The length of a line with an encoded word (RFC 2047 §2).
    private static let encodedLineLength = 76
    private static let encodedPrefix = "=?UTF-8?B?"
    private static let encodedSuffix = "?="
    /// The longest value of a field; far more than anybody reads.
    static let valueLimit = 2_000

    /// A field with free text: `Subject` and the like.
    static func unstructured(_ name: String, _ value: String) throws(MessageError) -> String {
        try check(name, value)
        return "\(name): \(words(value, column: name.utf8.count + 2, lineLength: lineLength))\r\n"
    }

    /// A field with one mailbox: `From` and the like.
    static func mailbox(_ name: String, _ mailbox: Mailbox) throws(MessageError) -> String {
        try check(name, mailbox.name)
        guard !mailbox.name.isEmpty else { return "\(name): \(mailbox.address.text)\r\n" }
        let phrase = phrase(mailbox.name, column: name.utf8.count + 2)
        let address = "<\(mailbox.address.text)>"
        let lastLine = phrase.utf8.count - (phrase.utf8.lastIndex(of: 10).map(offset(in: phrase)) ?? 0)
        let column = phrase.utf8.contains(10) ? lastLine : lastLine + name.utf8.count + 2
        let separator = column + 1 + address.utf8.count > lineLength ? "\r\n " : " "
        return "\(name): \(phrase)\(separator)\(address)\r\n"
    }

    /// A field with tokens that must stay as they are, each of which may have a line of its own.
    static func tokens(_ name: String, _ tokens: [String], separator: String = "") throws(MessageError) -> String {
        var text = "\(name):"
        var column = text.utf8.count
        for (index, token) in tokens.enumerated() {
            try check(name, token)
            let piece = token + (index + 1 < tokens.count ? separator : "")
            guard piece.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), piece.utf8.count <= 900 else {
                throw MessageError(field: name, problem: .malformed)
            }
            let isTooLong = index > 0 && column + 1 + piece.utf8.count > lineLength
            text += isTooLong ? "\r\n \(piece)" : " \(piece)"
            column = isTooLong ? 1 + piece.utf8.count : column + 1 + piece.utf8.count
        }
        return text + "\r\n"
    }

    /// Refuses what could end a field and begin another, and what no field needs.
    private static func check(_ name: String, _ value: String) throws(MessageError) {
        guard value.utf8.count <= valueLimit else { throw MessageError(field: name, problem: .tooLong) }
        let isClean = value.unicodeScalars.allSatisfy { scalar in
            // C0, DEL, C1, and the two line ends of Unicode's own.
            scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0x2028
                && scalar.value != 0x2029
        }
        guard isClean else { throw MessageError(field: name, problem: .controlCharacter) }
    }

    // MARK: Words

    private static func words(_ text: String, column: Int, lineLength: Int) -> String {
        guard isPlain(text) else { return encoded(text, column: column) }
        var result = ""
        var column = column
        for (index, word) in text.split(separator: " ").enumerated() {
            if index > 0 {
                let isTooLong = column + 1 + word.utf8.count > lineLength
                result += isTooLong ? "\r\n " : " "
                column = isTooLong ? 1 : column + 1
            }
            result += word
            column += word.utf8.count
        }
        return result
    }

    /// Whether text can stand as it is: ASCII, words with single spaces between, none too long to be folded, none that
    /// looks like an encoded word.
    private static func isPlain(_ text: String) -> Bool {
        if text.isEmpty { return true }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !text.contains("=?") else { return false }
        return text.split(separator: " ", omittingEmptySubsequences: false).allSatisfy { word in
            (1...60).contains(word.utf8.count)
        }
    }

    /// The text as encoded words, each on a line of its own and each of whole characters.
    private static func encoded(_ text: String, column: Int) -> String {
        var result = ""
        var column = column
        var pending: [UInt8] = []
        func space() -> Int {
            (encodedLineLength - column - encodedPrefix.utf8.count - encodedSuffix.utf8.count) / 4 * 3
        }
        func flush() {
            result += encodedPrefix + Base64.text(pending) + encodedSuffix
            pending = []
        }
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if pending.count + bytes.count > space() {
                flush()
                result += "\r\n "
                column = 1
            }
            pending += bytes
        }
        flush()
        return result
    }

    /// A display name: as it is, quoted, or encoded.
    private static func phrase(_ name: String, column: Int) -> String {
        guard isPlain(name), name.utf8.count <= 50 else { return encoded(name, column: column) }
        if name.utf8.allSatisfy({ isAtomByte($0) || $0 == 0x20 }) { return name }
        let escaped = name.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped))\""
    }

    private static func offset(in text: String) -> (String.Index) -> Int {
        { text.utf8.distance(from: text.startIndex, to: $0) + 1 }
    }

    // MARK: Characters

    /// `atext` of RFC 5322 §3.2.3.
    static func isAtomByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// Marks, embeddings, overrides and isolates of the bidirectional algorithm.
    static func isDirectionControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
