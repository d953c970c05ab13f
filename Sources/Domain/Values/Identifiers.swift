/// A name that callers gave us, checked once when it comes in.
///
/// Each identifier is a type of its own, so that a user id cannot be passed where an account id is meant.
package protocol Identifier: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible
where RawValue == String {
    /// Makes the identifier without a check; only for text that `isValid` has accepted.
    init(unchecked rawValue: String)

    /// Whether `text` may be an identifier of this type.
    static func isValid(_ text: some Collection<UInt8>) -> Bool
}

extension Identifier {
    /// The checked identifier, or nil when `rawValue` breaks the type's pattern.
    package init?(rawValue: String) {
        guard Self.isValid(rawValue.utf8) else { return nil }
        self.init(unchecked: rawValue)
    }

    /// The checked identifier, or nil when `text` breaks the type's pattern.
    package init?(_ text: String) {
        self.init(rawValue: text)
    }

    /// The identifier's own text.
    package var description: String { rawValue }

    /// Orders by the identifiers' bytes.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Names a tenant: `^[a-z][a-z0-9]{2,24}$`.
///
/// The pattern is this narrow because the tenant's schema and role are called `t_<id>`, and a schema name is the only
/// thing that is ever put into SQL text.
package struct TenantID: Identifier {
    /// The text, as it was given.
    package let rawValue: String
    /// Wraps text that was checked.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Whether `text` fits the pattern.
    package static func isValid(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, ASCII.isLower(first), (3...25).contains(text.count) else { return false }
        return text.allSatisfy { ASCII.isLower($0) || ASCII.isDigit($0) }
    }
}

/// Names a customer account within a tenant: 1…64 of `[A-Za-z0-9._@:+-]`.
package struct AccountID: Identifier {
    /// The text, as it was given.
    package let rawValue: String
    /// Wraps text that was checked.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Whether `text` fits the pattern.
    package static func isValid(_ text: some Collection<UInt8>) -> Bool { ASCII.isReference(text) }
}

/// Names a portal user, customer's or supplier's, within a tenant: 1…64 of `[A-Za-z0-9._@:+-]`.
package struct UserID: Identifier {
    /// The text, as it was given.
    package let rawValue: String
    /// Wraps text that was checked.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Whether `text` fits the pattern.
    package static func isValid(_ text: some Collection<UInt8>) -> Bool { ASCII.isReference(text) }
}

/// Names a delivery provider within a tenant: 1…64 of `[A-Za-z0-9._@:+-]`.
package struct ProviderID: Identifier {
    /// The text, as it was given.
    package let rawValue: String
    /// Wraps text that was checked.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Whether `text` fits the pattern.
    package static func isValid(_ text: some Collection<UInt8>) -> Bool { ASCII.isReference(text) }
}

/// Names a notification type, such as `invoice.created`: 3…80 of `[a-z0-9_]` in at least two parts joined by dots,
/// each part beginning with a letter or a digit.
package struct TypeKey: Identifier {
    /// The text, as it was given.
    package let rawValue: String
    /// Wraps text that was checked.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Whether `text` fits the pattern.
    package static func isValid(_ text: some Collection<UInt8>) -> Bool {
        guard (3...80).contains(text.count) else { return false }
        var parts = 1
        var atStart = true
        for byte in text {
            if byte == UInt8(ascii: ".") {
                if atStart { return false }
                parts += 1
                atStart = true
            } else if ASCII.isLower(byte) || ASCII.isDigit(byte) || (byte == UInt8(ascii: "_") && !atStart) {
                atStart = false
            } else {
                return false
            }
        }
        return parts > 1 && !atStart
    }
}

/// Names a category of types as people read it, such as `Quotes` or `Users and accounts`: 1…80 printable ASCII
/// characters, no space at either end.
package struct CategoryName: Identifier {
    /// The text, as it was given.
    package let rawValue: String
    /// Wraps text that was checked.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Whether `text` fits the pattern.
    package static func isValid(_ text: some Collection<UInt8>) -> Bool {
        let space = UInt8(ascii: " ")
        guard let first = text.first, first != space, (1...80).contains(text.count) else { return false }
        var last = first
        for byte in text {
            guard (space...UInt8(ascii: "~")).contains(byte) else { return false }
            last = byte
        }
        return last != space
    }
}

/// Classes of ASCII bytes that the identifiers are made of.
enum ASCII {
    static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    static func isAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte) || isUpper(byte) || isDigit(byte) }

    /// Whether `text` is a reference given by an integrator: 1…64 of `[A-Za-z0-9._@:+-]`.
    static func isReference(_ text: some Collection<UInt8>) -> Bool {
        (1...64).contains(text.count)
            && text.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"), UInt8(ascii: ":"), UInt8(ascii: "+"),
                    UInt8(ascii: "-"):
                    true
                default:
                    isAlphanumeric(byte)
                }
            }
    }
}
