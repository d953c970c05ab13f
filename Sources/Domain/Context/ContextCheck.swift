/// Checks the context that a producer sent.
enum ContextCheck {
    /// Everything that is wrong: the type's variables in order, then entries that the type does not know.
    static func violations(of entries: [ContextEntry], for type: NotificationType) -> [ContextViolation] {
        var violations: [ContextViolation] = []
        for variable in type.variables {
            let sent = entries.filter { $0.name == variable.name }
            guard let entry = sent.first else {
                violations.append(
                    .init(
                        field: variable.name, problem: .missing,
                        message: "is missing; send \(variable.type.expectation)"))
                continue
            }
            if sent.count > 1 {
                violations.append(
                    .init(field: variable.name, problem: .repeated, message: "is sent twice; send it once"))
            }
            check(entry.value, as: variable.type, field: variable.name, &violations)
        }
        // A few are enough to see what is wrong; a producer that sends thousands does not get thousands back.
        for entry in entries.lazy.filter({ type.variable($0.name) == nil }).prefix(20) {
            violations.append(stranger(entry.name, type))
        }
        return violations
    }

    private static func stranger(_ name: String, _ type: NotificationType) -> ContextViolation {
        guard Variable.isValid(name: name.utf8) else {
            return .init(
                field: "context", problem: .malformed,
                message: "holds a name that is not of the form [a-z][a-z0-9_]*, up to 64 characters")
        }
        if Variable.implicitNames.contains(name) {
            return .init(field: name, problem: .reserved, message: "is filled in by Carillon; leave it out")
        }
        let known = type.variables.map(\.name).joined(separator: ", ")
        return .init(
            field: name, problem: .unknown, message: "is not a variable of \(type.key); it has: \(known)")
    }

    // MARK: Values

    private static func check(
        _ value: ContextValue, as type: VariableType, field: String, _ violations: inout [ContextViolation]
    ) {
        func note(_ problem: ContextViolation.Problem, _ message: String) {
            violations.append(.init(field: field, problem: problem, message: message))
        }
        switch (type, value) {
        case (.id, .text(let text)):
            // A path segment of dots would change the page that a deep link leads to.
            if text == "." || text == ".." { note(.malformed, "must not be dots alone") }
            line(text, limit: ContextLimits.id, field: field, &violations)
        case (.string, .text(let text)):
            line(text, limit: ContextLimits.string, field: field, &violations)
        case (.text, .text(let text)):
            prose(text, limit: ContextLimits.text, field: field, &violations)
        case (.enumeration, .text(let text)):
            line(text, limit: ContextLimits.enumeration, field: field, &violations)
            let isCode = text.utf8.allSatisfy { ASCII.isAlphanumeric($0) || $0 == 0x5f || $0 == 0x2d }
            if !isCode { note(.malformed, "must be \(type.expectation)") }
        case (.email, .text(let text)):
            line(text, limit: ContextLimits.email, field: field, &violations)
            if !isEmail(text) { note(.malformed, "must be \(type.expectation)") }
        case (.phone, .text(let text)):
            if !isPhone(text) { note(.malformed, "must be \(type.expectation)") }
        case (.url, .url(let text)):
            line(text, limit: ContextLimits.url, field: field, &violations)
            if !isURL(text) { note(.malformed, "must be \(type.expectation)") }
        case (.money, .money(let money)):
            if Currency(code: money.currency) == nil {
                note(.unknownCurrency, "has an unknown currency; send an ISO 4217 code in capitals, such as EUR")
            }
            if money.minorUnits.magnitude > ContextLimits.minorUnits.magnitude {
                note(.outOfRange, "must be between -10^15 and 10^15 minor units")
            }
        case (.dateTime, .dateTime(let instant)):
            if instant < Instant(microseconds: 0) || instant > ContextLimits.latest {
                note(.outOfRange, "must be between the years 1970 and 9999")
            }
        case (.textList, .textList(let items)):
            if items.count > ContextLimits.items { note(.tooMany, "must have at most \(ContextLimits.items) items") }
            for (index, item) in items.prefix(ContextLimits.items).enumerated() {
                line(item, limit: ContextLimits.string, field: "\(field)[\(index)]", &violations)
            }
        case (.objectList, .objectList(let objects)):
            if objects.count > ContextLimits.items { note(.tooMany, "must have at most \(ContextLimits.items) items") }
            for (index, object) in objects.prefix(ContextLimits.items).enumerated() {
                fields(object, field: "\(field)[\(index)]", &violations)
            }
        case (.integer, .integer), (.decimal, .decimal), (.date, .date), (.boolean, .boolean):
            break
        default:
            note(.wrongType, "is \(value.kindName); send \(type.expectation)")
        }
    }

    /// The fields of an object in a list: any type that is not a list itself.
    private static func fields(_ object: [ContextEntry], field: String, _ violations: inout [ContextViolation]) {
        if object.count > ContextLimits.fields {
            violations.append(
                .init(field: field, problem: .tooMany, message: "must have at most \(ContextLimits.fields) fields"))
        }
        var names: Set<String> = []
        for entry in object.prefix(ContextLimits.fields) {
            guard Variable.isValid(name: entry.name.utf8) else {
                violations.append(
                    .init(
                        field: field, problem: .malformed,
                        message: "holds a name that is not of the form [a-z][a-z0-9_]*, up to 64 characters"))
                continue
            }
            let place = "\(field).\(entry.name)"
            if !names.insert(entry.name).inserted {
                violations.append(.init(field: place, problem: .repeated, message: "is sent twice; send it once"))
            }
            let type: VariableType? =
                switch entry.value {
                case .text: .text
                case .integer: .integer
                case .decimal: .decimal
                case .money: .money
                case .date: .date
                case .dateTime: .dateTime
                case .url: .url
                case .boolean: .boolean
                case .textList, .objectList: nil
                }
            if let type {
                check(entry.value, as: type, field: place, &violations)
            } else {
                violations.append(
                    .init(field: place, problem: .wrongType, message: "is a list in a list; send a single value"))
            }
        }
    }

    // MARK: Text

    /// One line: not empty, no control characters, so that it can stand in a subject.
    private static func line(
        _ text: String, limit: Int, field: String, _ violations: inout [ContextViolation]
    ) {
        check(text, limit: limit, field: field, isLine: true, &violations)
    }

    /// Free text: may be empty and have several lines.
    private static func prose(
        _ text: String, limit: Int, field: String, _ violations: inout [ContextViolation]
    ) {
        check(text, limit: limit, field: field, isLine: false, &violations)
    }

    private static func check(
        _ text: String, limit: Int, field: String, isLine: Bool, _ violations: inout [ContextViolation]
    ) {
        if text.isEmpty, isLine {
            violations.append(.init(field: field, problem: .empty, message: "is empty; send a value"))
        }
        var count = 0
        var hasControl = false
        for scalar in text.unicodeScalars {
            count += 1
            if scalar.isControl, isLine || !scalar.isLineLayout { hasControl = true }
        }
        if count > limit {
            violations.append(
                .init(field: field, problem: .tooLong, message: "has \(count) characters; at most \(limit) are taken"))
        }
        if hasControl {
            let what = isLine ? "control characters or line breaks" : "control characters"
            violations.append(
                .init(field: field, problem: .controlCharacter, message: "holds \(what); send it without them"))
        }
    }

    /// Whether the text has the shape of an address. Whether mail arrives there is for mail to show.
    private static func isEmail(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].count), parts[1].count >= 3 else { return false }
        let forbidden = Set(" <>,;:\"()[]\\".utf8)
        return !text.utf8.contains(where: forbidden.contains) && parts[1].contains(UInt8(ascii: "."))
            && parts[1].first != UInt8(ascii: ".") && parts[1].last != UInt8(ascii: ".")
    }

    /// E.164: a plus and 7 to 15 digits.
    private static func isPhone(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst()
        return text.utf8.first == UInt8(ascii: "+") && (7...15).contains(digits.count)
            && digits.allSatisfy(ASCII.isDigit)
    }

    /// An absolute https URL with a host and nothing that would need quoting in a mail or a page.
    private static func isURL(_ text: String) -> Bool {
        let scheme = "https://"
        guard text.hasPrefix(scheme) else { return false }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        guard let first = rest.first, ASCII.isAlphanumeric(first) || first == UInt8(ascii: "[") else { return false }
        let forbidden = Set(" <>\"\\^`{|}".utf8)
        return rest.allSatisfy { $0 > 0x20 && $0 < 0x7f && !forbidden.contains($0) }
    }
}

extension Unicode.Scalar {
    /// Control characters of both sets, and the separators that some readers take for line breaks.
    var isControl: Bool {
        value < 0x20 || (0x7f...0x9f).contains(value) || value == 0x2028 || value == 0x2029
    }

    /// The control characters that lay out lines.
    fileprivate var isLineLayout: Bool { self == "\n" || self == "\r" || self == "\t" }
}

extension VariableType {
    /// What to send, in the middle of a sentence.
    var expectation: String {
        switch self {
        case .id: "an id: text of up to \(ContextLimits.id) characters"
        case .string: "one line of text of up to \(ContextLimits.string) characters"
        case .text: "text of up to \(ContextLimits.text) characters"
        case .integer: "an integer"
        case .decimal: "a decimal number"
        case .money: "an amount of money: minor units and an ISO 4217 code"
        case .date: "a date"
        case .dateTime: "a point in time"
        case .email: "an e-mail address as text"
        case .phone: "a phone number as text: a plus sign and 7 to 15 digits"
        case .url: "an absolute https URL"
        case .boolean: "true or false"
        case .enumeration: "a code word as text: letters, digits, _ and -, up to \(ContextLimits.enumeration)"
        case .textList: "a list of texts"
        case .objectList: "a list of objects"
        }
    }
}

extension ContextValue {
    /// What the value is, in the middle of a sentence.
    fileprivate var kindName: String {
        switch self {
        case .text: "text"
        case .integer: "an integer"
        case .decimal: "a decimal number"
        case .money: "an amount of money"
        case .date: "a date"
        case .dateTime: "a point in time"
        case .url: "a URL"
        case .boolean: "true or false"
        case .textList: "a list of texts"
        case .objectList: "a list of objects"
        }
    }
}
