package import Domain

/// What an account's administrators chose for those of its users who choose nothing.
package struct DefaultChoice: Sendable, Hashable {
    /// What is chosen.
    package enum Word: Sendable, Hashable {
        /// On or off, on a channel or, with nil, on all of them.
        case isOn(Bool, Channel?)
        /// How often.
        case cadence(Cadence)
    }

    /// What the choice is about.
    package let scope: ChoiceScope
    /// What is chosen.
    package let word: Word

    /// Makes a choice.
    package init(_ scope: ChoiceScope, _ word: Word) {
        self.scope = scope
        self.word = word
    }

    func apply(to choices: inout Choices) {
        switch word {
        case .isOn(let isOn, let channel):
            PreferenceChoice(audience: .customer, scope: scope, channel: channel, isOn: isOn).apply(to: &choices)
        case .cadence(let cadence):
            CadenceChoice(audience: .customer, scope: scope, cadence: cadence).apply(to: &choices)
        }
    }
}

/// A place among the defaults of an account that a change is about.
package struct DefaultPlace: Sendable, Hashable {
    /// What a choice there is about.
    package let scope: ChoiceScope
    /// What is chosen there.
    package let kind: Kind

    /// What is chosen at a place.
    package enum Kind: Sendable, Hashable {
        /// On or off, on a channel or, with nil, on all of them.
        case channel(Channel?)
        /// How often.
        case cadence
    }

    /// A place.
    package init(_ scope: ChoiceScope, _ kind: Kind) {
        self.scope = scope
        self.kind = kind
    }

    /// The member of the stored object that is at the place.
    var key: String {
        let columns = scope.columns
        let kind =
            switch kind {
            case .channel(let channel): channel?.rawValue ?? ""
            case .cadence: "cadence"
            }
        return "\(columns.scope)/\(kind)/\(columns.key)"
    }
}

extension DefaultChoice {
    /// Where it stands.
    package var place: DefaultPlace {
        switch word {
        case .isOn(_, let channel): DefaultPlace(scope, .channel(channel))
        case .cadence: DefaultPlace(scope, .cadence)
        }
    }

    /// Reads a member of the stored object; nil when this version does not know what it says.
    init?(key: String, value: JSONValue) {
        let parts = key.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let scope = ChoiceScope(scope: parts[0], key: parts[2]) else { return nil }
        switch (parts[1], value) {
        case ("cadence", .string(let text)):
            guard let cadence = Cadence(rawValue: text) else { return nil }
            self.init(scope, .cadence(cadence))
        case ("", .bool(let isOn)): self.init(scope, .isOn(isOn, nil))
        case (let name, .bool(let isOn)):
            guard let channel = Channel(rawValue: name) else { return nil }
            self.init(scope, .isOn(isOn, channel))
        default: return nil
        }
    }

    /// Reads the stored object, in the order of its keys.
    static func list(json: String?) -> [DefaultChoice] {
        guard let json, case .object(let members)? = JSONValue(json) else { return [] }
        return members.sorted { $0.key < $1.key }.compactMap { DefaultChoice(key: $0.key, value: $0.value) }
    }

    /// The stored object of some choices.
    static func json(_ choices: [DefaultChoice]) -> String {
        var writer = JSONWriter()
        writer.object {
            for choice in choices {
                $0.key(choice.place.key)
                switch choice.word {
                case .isOn(let isOn, _): $0.bool(isOn)
                case .cadence(let cadence): $0.string(cadence.rawValue)
                }
            }
        }
        return writer.text
    }
}

extension Choices {
    /// What an account's defaults come to.
    package init(_ defaults: [DefaultChoice]) {
        self.init()
        for choice in defaults { choice.apply(to: &self) }
    }
}
