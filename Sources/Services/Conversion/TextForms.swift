/// The forms that texts of a request must have. Whether a mail arrives or a name resolves is not for these to say.
enum TextForms {
    private static func isAlphanumeric(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func isDigit(_ octet: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) }

    /// One mailbox without display name, quoting or comments.
    static func isEmail(_ text: String) -> Bool {
        guard text.utf8.count <= 254 else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count) else { return false }
        let forbidden = Set(" <>,;:\"()[]\\".utf8)
        guard parts[0].allSatisfy({ $0 > 0x20 && $0 < 0x7f && !forbidden.contains($0) }) else { return false }
        let domain = String(decoding: parts[1], as: UTF8.self)
        return isHostName(domain) && (domain.utf8.contains(UInt8(ascii: ".")) || domain == "localhost")
    }

    /// E.164: a plus and 7 to 15 digits, the first one not 0.
    static func isPhone(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst()
        return text.utf8.first == UInt8(ascii: "+") && (7...15).contains(digits.count) && digits.allSatisfy(isDigit)
            && digits.first != UInt8(ascii: "0")
    }

    /// A DNS name: labels of letters, digits and inner hyphens (RFC 1123 §2.1), as A-labels where it is international.
    static func isHostName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// The shape of a BCP 47 tag: a language of 2 to 8 letters, then subtags of 1 to 8 letters and digits.
    static func isLocale(_ text: String) -> Bool {
        guard (2...35).contains(text.utf8.count) else { return false }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard let language = parts.first, (2...8).contains(language.count),
            language.allSatisfy({ isAlphanumeric($0) && !isDigit($0) })
        else { return false }
        return parts.dropFirst().allSatisfy { (1...8).contains($0.count) && $0.allSatisfy(isAlphanumeric) }
    }

    /// 1 to 200 visible ASCII characters.
    static func isIdempotencyKey(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    /// An address under which a portal may live: https, or http on this machine for development; no user, query or
    /// fragment, because paths are put behind it.
    static func isPortalURL(_ text: String) -> Bool {
        guard text.utf8.count <= 500, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
            let scheme = ["https://", "http://"].first(where: text.hasPrefix)
        else { return false }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        let forbidden = Set("?#<>\"\\^`{|}@ ".utf8)
        guard path.utf8.allSatisfy({ !forbidden.contains($0) }) else { return false }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first.map(String.init), isHostName(host), parts.count <= 2 else { return false }
        if parts.count == 2 {
            guard let port = UInt16(parts[1]), port > 0, parts[1].utf8.allSatisfy(isDigit) else { return false }
        }
        return scheme == "https://" || host == "localhost" || host == "127.0.0.1"
    }

    /// An absolute path without steps upwards.
    static func isAbsolutePath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= 1024
            && !text.split(separator: "/").contains { $0 == ".." || $0 == "." }
    }
}
