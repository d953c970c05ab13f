/// Text with named places, such as `Invoice {invoice_number} is overdue`: for subjects, links and dedupe keys.
///
/// Bodies are Mustache and live with rendering; these are one-liners that decisions and validation need.
package struct TextTemplate: Hashable, Sendable, CustomStringConvertible {
    /// A piece of the template.
    package enum Segment: Hashable, Sendable {
        case literal(String)
        case variable(String)
    }

    /// The pieces in order.
    package let segments: [Segment]

    /// The template, or nil when braces do not match or hold no variable name.
    package init?(_ text: some StringProtocol) {
        var segments: [Segment] = []
        var literal = ""
        var name: String?
        for character in text {
            switch (character, name) {
            case ("{", nil):
                name = ""
            case ("}", .some(let finished)):
                guard Variable.isValid(name: finished.utf8) else { return nil }
                if !literal.isEmpty { segments.append(.literal(literal)) }
                segments.append(.variable(finished))
                literal = ""
                name = nil
            case ("{", .some), ("}", nil):
                return nil
            case (_, .some(let begun)):
                name = begun + String(character)
            case (_, nil):
                literal.append(character)
            }
        }
        guard name == nil else { return nil }
        if !literal.isEmpty { segments.append(.literal(literal)) }
        self.segments = segments
    }

    /// The names of the template's places, in order, repeated as often as they stand there.
    package var variableNames: [String] {
        segments.compactMap { if case .variable(let name) = $0 { name } else { nil } }
    }

    /// The template's own text.
    package var description: String {
        segments.map { segment in
            switch segment {
            case .literal(let text): text
            case .variable(let name): "{\(name)}"
            }
        }.joined()
    }

    /// The text with every place filled by `value`.
    package func expanded<Failure: Error>(_ value: (String) throws(Failure) -> String) throws(Failure) -> String {
        var result = ""
        for segment in segments {
            switch segment {
            case .literal(let text): result += text
            case .variable(let name): result += try value(name)
            }
        }
        return result
    }
}
