/// An address that may stand in a message: https, http on this machine (development), mailto or tel.
///
/// Anything that a reader's program might execute (`javascript:`, `data:` and the like) is none, and neither is an address
/// with characters that could end the attribute or the line that it stands in.
struct SafeURL {
    let text: String

    init?(_ text: String) {
        guard (1...2_048).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"'<>\\^`{|}".utf8.contains($0) }),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        let rest = text[text.index(after: colon)...]
        switch text[..<colon].lowercased() {
        case "https": guard Self.host(of: rest) != nil else { return nil }
        case "http":
            guard let host = Self.host(of: rest), ["localhost", "127.0.0.1", "[::1]"].contains(host) else { return nil }
        case "mailto", "tel": guard !rest.isEmpty else { return nil }
        default: return nil
        }
        self.text = text
    }

    var isHTTPS: Bool { text.lowercased().hasPrefix("https:") }

    /// The address, ready for a path that begins with a slash.
    var withoutTrailingSlash: String {
        text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// The host of what stands behind the colon; `nil` without one, or with a user name before it, which makes one host look
    /// like another.
    private static func host(of rest: Substring) -> String? {
        guard rest.hasPrefix("//") else { return nil }
        let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : host.lowercased()
    }
}
