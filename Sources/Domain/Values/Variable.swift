/// What a context variable holds.
package enum VariableType: String, CaseIterable, Sendable, Hashable {
    /// An opaque reference of the producer.
    case id
    /// One line of text, up to 500 characters.
    case string
    /// Free text with line breaks, up to 10,000 characters.
    case text
    case integer
    case decimal
    /// Minor units and an ISO 4217 code.
    case money
    case date
    case dateTime = "datetime"
    case email
    case phone
    case url
    case boolean
    /// A lower-case code word.
    case enumeration = "enum"
    case textList = "list<string>"
    case objectList = "list<object>"
}

/// How carefully a variable's value is handled.
package enum Sensitivity: String, CaseIterable, Sendable, Hashable {
    /// Codes and one-time links: only on the type's own channels outside the portal; never stored in clear, logged or
    /// digested.
    case secret
    /// Amounts and account data.
    case financial
    /// Free text written by people.
    case content
    /// Names and addresses of people.
    case pii
    /// Anything else.
    case ordinary
}

/// One variable of a type's context.
package struct Variable: Hashable, Sendable {
    /// The name in templates: `[a-z][a-z0-9_]*`, up to 64 characters.
    package let name: String
    /// What it holds.
    package let type: VariableType
    /// How carefully its value is handled.
    package let sensitivity: Sensitivity

    /// Makes a variable; ``isValid(name:)`` says which names are allowed.
    package init(name: String, type: VariableType, sensitivity: Sensitivity = .ordinary) {
        self.name = name
        self.type = type
        self.sensitivity = sensitivity
    }

    /// Variables that every type has and that Carillon fills in; a producer does not send them.
    package static let implicitNames: Set<String> = [
        "recipient_name", "supplier_name", "portal_url", "preferences_url", "source_event_id",
    ]

    /// Whether `name` may name a variable.
    package static func isValid(name: some Collection<UInt8>) -> Bool {
        guard let first = name.first, ASCII.isLower(first), name.count <= 64 else { return false }
        return name.allSatisfy { ASCII.isLower($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_") }
    }
}
