internal import CarillonGRPC
internal import Domain

/// Reads the strings of a request. Every string from outside comes through here: its length is limited, and control
/// characters, NUL among them, are refused with the field's name.
///
/// A reader notes what is wrong and goes on with a harmless value, so that one answer names everything;
/// ``check(_:)`` must stand before the values are used.
struct FieldCheck {
    private(set) var violations = RequestViolations()

    /// Throws INVALID_ARGUMENT if anything is wrong.
    func check(_ reason: ErrorReason = .fieldInvalid) throws(Status) {
        try violations.check(reason)
    }

    mutating func add(_ field: String, _ description: String, reason: String = "INVALID") {
        violations.add(field, description, reason: reason)
    }

    /// One line of text.
    @discardableResult
    mutating func line(_ text: String, _ field: String, limit: Int, isRequired: Bool = false) -> String {
        if text.isEmpty {
            if isRequired { add(field, "is required", reason: "REQUIRED") }
            return text
        }
        if text.utf8.count > limit {
            add(field, "has \(text.utf8.count) octets; at most \(limit) are taken", reason: "TOO_LONG")
        } else if text.unicodeScalars.contains(where: Self.isControl) {
            add(field, "holds control characters or line breaks", reason: "CONTROL_CHARACTER")
        }
        return text
    }

    /// An optional line: empty text is nil.
    mutating func optionalLine(_ text: String, _ field: String, limit: Int) -> String? {
        text.isEmpty ? nil : line(text, field, limit: limit)
    }

    /// An identifier; nil, noted, when it is missing or malformed.
    mutating func identifier<ID: Identifier>(_ text: String, _ field: String, as type: ID.Type = ID.self) -> ID? {
        if text.isEmpty {
            add(field, "is required", reason: "REQUIRED")
            return nil
        }
        guard let id = ID(text) else {
            add(field, "is malformed: \(ID.form)", reason: "MALFORMED")
            return nil
        }
        return id
    }

    /// An identifier that may be left out.
    mutating func optionalIdentifier<ID: Identifier>(
        _ text: String, _ field: String, as type: ID.Type = ID.self
    ) -> ID? {
        text.isEmpty ? nil : identifier(text, field)
    }

    /// An identifier of our own making.
    mutating func timed<ID: TimedIdentifier>(_ text: String, _ field: String, as type: ID.Type = ID.self) -> ID? {
        if text.isEmpty {
            add(field, "is required", reason: "REQUIRED")
            return nil
        }
        guard let id = ID(text) else {
            add(field, "is malformed: a UUID of version 7 is expected", reason: "MALFORMED")
            return nil
        }
        return id
    }

    /// A mail address: one at sign, no spaces or quoting, a domain with a dot or `localhost`.
    @discardableResult
    mutating func email(_ text: String, _ field: String, isRequired: Bool = false) -> String? {
        if text.isEmpty {
            if isRequired { add(field, "is required", reason: "REQUIRED") }
            return nil
        }
        if !TextForms.isEmail(text) { add(field, "is not an e-mail address", reason: "MALFORMED") }
        return text
    }

    /// The size of a page: 0 is the usual one, more than the greatest is the greatest.
    mutating func pageSize(_ size: Int32, usual: Int = 50, greatest: Int = 1000, field: String = "page_size") -> Int {
        if size < 0 {
            add(field, "must not be negative", reason: "OUT_OF_RANGE")
            return usual
        }
        return size == 0 ? usual : min(Int(size), greatest)
    }

    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}

extension Identifier {
    /// The form of the identifier, for people.
    fileprivate static var form: String {
        switch Self.self {
        case is TenantID.Type: "a small letter, then 2 to 24 small letters and digits"
        case is TypeKey.Type: "small letters, digits and _ in parts that are joined by dots, such as invoice.created"
        case is CategoryName.Type: "1 to 80 printable ASCII characters"
        default: "1 to 64 of letters, digits and . _ @ : + -"
        }
    }
}
