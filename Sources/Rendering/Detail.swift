internal import Domain

/// One line of a message: a variable's label and its value in words.
struct Detail: Equatable {
    let label: String
    /// The value; may have several lines.
    let text: String
    /// Where the value leads to, if it is an address that is safe to follow.
    let link: String?

    /// The longest value that is shown, in characters; the rest is in the portal.
    static let limit = 2_000
    /// How many objects of a list are shown.
    static let listLimit = 20

    /// `nil` for variables that people have no use for: ids, and the recipient's own name.
    init?(_ variable: Variable, _ value: ContextValue, audience: Audience, zone: ZoneRules) {
        guard variable.type != .id, variable.name != "user_display_name" else { return nil }
        let text = Self.shortened(Self.text(of: value, variable.type, zone: zone))
        guard !text.isEmpty else { return nil }
        label = Self.label(variable, audience: audience)
        self.text = text
        link = variable.type == .url ? SafeURL(text)?.text : nil
    }

    var values: [String: Any] {
        var values: [String: Any] = [
            "label": label, "text": text,
            "lines": text.split(separator: "\n", omittingEmptySubsequences: false)
                .map(String.init),
        ]
        if let link { values["href"] = link }
        return values
    }

    private static func text(of value: ContextValue, _ type: VariableType, zone: ZoneRules) -> String {
        switch value {
        case .dateTime(let instant): instant.text(in: zone)
        case .text(let text) where type == .text: Words.lines(text)
        case .text(let text) where type == .enumeration: phrase(text)
        case .objectList(let objects):
            (objects.prefix(listLimit).map { object in
                let parts = object.map { Words.line(Self.text(of: $0.value, .string, zone: zone)) }
                return "- " + parts.filter { !$0.isEmpty }.joined(separator: ", ")
            } + (objects.count > listLimit ? [Words.more(objects.count - listLimit)] : [])).joined(separator: "\n")
        default: Words.line(value.text)
        }
    }

    private static func shortened(_ text: String) -> String {
        text.count <= limit ? text : text.prefix(limit - 1) + "…"
    }

    private static func label(_ variable: Variable, audience: Audience) -> String {
        switch variable.name {
        case "customer_name": audience.isInternal ? "Customer" : "Account"
        case "one_time_code": "Your code"
        case "new_email_masked": "New e-mail address"
        default: phrase(variable.name)
        }
    }

    /// `po_number` is `PO number`.
    private static func phrase(_ name: String) -> String {
        let words = name.split(separator: "_").map { word in
            abbreviations.contains(String(word)) ? word.uppercased() : String(word)
        }
        guard let first = words.first else { return name }
        return ([first.prefix(1).uppercased() + first.dropFirst()] + words.dropFirst()).joined(separator: " ")
    }

    private static let abbreviations: Set<String> = [
        "po", "ip", "url", "api", "id", "sms", "ach", "iban", "vat", "csv",
    ]
}
