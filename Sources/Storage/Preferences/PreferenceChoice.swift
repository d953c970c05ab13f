package import Domain
internal import Postgres

/// One thing that a user chose, for one audience: on or off, for a type, a category or everything, on one channel or on
/// all of them.
package struct PreferenceChoice: Sendable, Hashable {
    /// As whom the user chose.
    package let audience: Audience
    /// What the choice is about.
    package let scope: ChoiceScope
    /// The channel; nil is every channel.
    package let channel: Channel?
    /// On or off.
    package let isOn: Bool

    /// Makes a choice.
    package init(audience: Audience, scope: ChoiceScope, channel: Channel? = nil, isOn: Bool) {
        self.audience = audience
        self.scope = scope
        self.channel = channel
        self.isOn = isOn
    }

    /// Adds this choice to the choices of its audience.
    package func apply(to choices: inout Choices) {
        apply(to: &choices[scope])
    }

    private func apply(to choice: inout Choice) {
        guard let channel else {
            choice.whole = isOn
            return
        }
        if isOn {
            choice.channelsOn.formUnion(ChannelSet(channel))
        } else {
            choice.channelsOff.formUnion(ChannelSet(channel))
        }
    }
}

/// A choice to be stored, or to be taken back.
package struct PreferenceChange: Sendable, Hashable {
    /// As whom the user chooses.
    package let audience: Audience
    /// What the choice is about.
    package let scope: ChoiceScope
    /// The channel; nil is every channel.
    package let channel: Channel?
    /// On, off, or nil to take back what was chosen.
    package let isOn: Bool?

    /// Makes a change.
    package init(audience: Audience, scope: ChoiceScope, channel: Channel? = nil, isOn: Bool?) {
        self.audience = audience
        self.scope = scope
        self.channel = channel
        self.isOn = isOn
    }
}

extension ChoiceScope {
    /// The two columns that hold a scope.
    var columns: (scope: String, key: String) {
        switch self {
        case .type(let key): ("type", key.rawValue)
        case .category(let name): ("category", name.rawValue)
        case .all: ("all", "")
        }
    }

    /// The scope in these two columns; nil when this version does not know it.
    init?(scope: String, key: String) {
        switch scope {
        case "type":
            guard let type = TypeKey(key) else { return nil }
            // The catalog's own text, which all share, for there are many choices in memory.
            self = .type(Catalog.builtIn[type]?.key ?? type)
        case "category":
            guard let category = CategoryName(key) else { return nil }
            self = .category(Catalog.builtIn.category(category) ?? category)
        case "all": self = .all
        default: return nil
        }
    }
}

extension PreferenceChoice {
    /// Reads audience, scope, key, channel and choice.
    init(row: Row, from column: Int) throws(PostgresError) {
        guard let scope = ChoiceScope(scope: try row.text(column + 1), key: try row.text(column + 2)) else {
            throw .corrupt(column + 1)
        }
        let channelName = try row.text(column + 3)
        let channel = Channel(rawValue: channelName)
        if channel == nil && !channelName.isEmpty { throw .corrupt(column + 3) }
        self.init(audience: try row.value(column), scope: scope, channel: channel, isOn: try row.bool(column + 4))
    }
}
