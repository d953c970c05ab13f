/// One e-mail address, `local@domain`, of the plain kind that every relay takes: RFC 5321's dot-string and host name,
/// ASCII. Quoted local parts, address literals and comments are refused; an internationalised domain is given in its ASCII
/// form (`xn--…`).
package struct EmailAddress: Sendable, Hashable {
    /// The address as it was given.
    package let text: String

    /// Checks an address; `nil` if it is none.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 254, let at = bytes.firstIndex(of: UInt8(ascii: "@")),
            Self.isLocalPart(bytes[..<at]), Self.isDomain(bytes[(at + 1)...])
        else { return nil }
        self.text = text
    }

    /// The part behind the `@`, in lower case.
    package var domain: String {
        String(text[text.index(after: text.lastIndex(of: "@") ?? text.startIndex)...]).lowercased()
    }

    private static func isLocalPart(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count <= 64
            && bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
                !atom.isEmpty && atom.allSatisfy(HeaderText.isAtomByte)
            }
    }

    private static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count <= 253
            && bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                    && label.allSatisfy { HeaderText.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            }
    }
}

extension EmailAddress: CustomStringConvertible, CustomDebugStringConvertible {
    /// The domain only: addresses are kept out of logs.
    package var description: String { "…@\(domain)" }
    package var debugDescription: String { description }
}
