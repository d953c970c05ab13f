/// An address with the name of whom it belongs to, as in `From` and `To`.
package struct Mailbox: Sendable, Hashable {
    /// Where mail goes.
    package let address: EmailAddress
    /// Who it is, one line; empty if there is no name.
    package let name: String

    /// Names an address. Characters that change the direction of text are taken out of the name, as they can make one address
    /// look like another; a name with a line break or another control character is refused when the message is made.
    package init(_ address: EmailAddress, name: String = "") {
        self.address = address
        self.name = String(
            String.UnicodeScalarView(name.unicodeScalars.filter { !HeaderText.isDirectionControl($0) }))
    }

    /// Reads exactly one mailbox: `local@domain`, `Name <local@domain>` or `"Name" <local@domain>`. Lists, groups, comments and
    /// anything behind the address are refused.
    package init?(parsing text: String) {
        let trimmed = Self.trimmed(text[...])
        guard trimmed.last == ">" else {
            guard let address = EmailAddress(String(trimmed)) else { return nil }
            self.init(address)
            return
        }
        guard let open = trimmed.lastIndex(of: "<"),
            let address = EmailAddress(String(trimmed[trimmed.index(after: open)...].dropLast())),
            let name = Self.name(Self.trimmed(trimmed[..<open]))
        else { return nil }
        self.init(address, name: name)
    }

    private static func name(_ text: Substring) -> String? {
        guard text.first == "\"" else {
            // Outside of quotes these would begin another mailbox, a group, a comment or a route.
            return text.contains(where: { "\"<>()[]:;@\\,".contains($0) }) ? nil : String(text)
        }
        guard text.count >= 2, text.last == "\"" else { return nil }
        var name = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if isEscaped {
                name.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                return nil
            } else {
                name.append(character)
            }
        }
        return isEscaped ? nil : name
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return start[...end]
    }
}

extension Mailbox: CustomStringConvertible, CustomDebugStringConvertible {
    /// The domain only.
    package var description: String { address.description }
    package var debugDescription: String { description }
}
