/// An event's context that fits its type: every variable is there, of the right type, and clean.
package struct Context: Hashable, Sendable {
    /// The values by variable name.
    package let values: [String: ContextValue]

    /// Checks what a producer sent against the type.
    ///
    /// - Throws: every violation, named by field.
    package init(_ entries: [ContextEntry], for type: NotificationType) throws(ContextError) {
        let violations = ContextCheck.violations(of: entries, for: type)
        guard violations.isEmpty else { throw ContextError(violations: violations) }
        self.init(unchecked: Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }

    /// A context that was checked before, as when it is read back from the database.
    package init(unchecked values: [String: ContextValue]) {
        self.values = values
    }

    /// The value of one variable, nil when the context lacks it.
    package subscript(name: String) -> ContextValue? { values[name] }

    /// The context without its secret values, and those alone: the first part may be stored as it is, the second only
    /// sealed.
    package func partedBySecrecy(for type: NotificationType) -> (open: Context, secret: Context) {
        let isSecret = { (name: String) in type.variable(name)?.sensitivity == .secret }
        return (
            Context(unchecked: values.filter { !isSecret($0.key) }),
            Context(unchecked: values.filter { isSecret($0.key) })
        )
    }

    /// This context with the values of `other` besides; used to put the parts of ``partedBySecrecy(for:)`` together.
    package func merging(_ other: Context) -> Context {
        Context(unchecked: values.merging(other.values) { _, new in new })
    }
}

/// A context does not fit its type.
package struct ContextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Everything that is wrong: the type's variables in order, then what the type does not know. Never empty.
    package let violations: [ContextViolation]

    /// One violation a line; no values.
    package var description: String { violations.map(\.description).joined(separator: "\n") }
}

/// One thing that is wrong with a context.
package struct ContextViolation: Hashable, Sendable, CustomStringConvertible {
    /// What kind of thing is wrong. The raw values are stable codes.
    package enum Problem: String, CaseIterable, Sendable, Hashable {
        case missing
        case unknown
        case repeated
        case reserved
        case wrongType = "wrong_type"
        case empty
        case tooLong = "too_long"
        case tooMany = "too_many"
        case controlCharacter = "control_character"
        case unknownCurrency = "unknown_currency"
        case outOfRange = "out_of_range"
        case malformed
    }

    /// The variable, such as `invoice_total`, or a place in it, such as `items[3].title`.
    package let field: String
    /// What kind of thing is wrong.
    package let problem: Problem
    /// What is wrong and what to do, with no value of the context in it.
    package let message: String

    /// `field: message`.
    package var description: String { "\(field): \(message)" }
}
