/// What a user chose at one level: for a type, for a category, or for everything.
package struct Choice: Hashable, Sendable {
    /// Subscribed, unsubscribed, or no word on the whole.
    package var whole: Bool?
    /// Channels that were turned on one by one.
    package var channelsOn: ChannelSet
    /// Channels that were turned off one by one.
    package var channelsOff: ChannelSet
    /// How often, where the type allows digests; nil is no word.
    package var cadence: Cadence?

    /// Makes a choice. A channel that is both on and off counts as off.
    package init(
        whole: Bool? = nil, channelsOn: ChannelSet = [], channelsOff: ChannelSet = [], cadence: Cadence? = nil
    ) {
        self.whole = whole
        self.channelsOn = channelsOn.subtracting(channelsOff)
        self.channelsOff = channelsOff
        self.cadence = cadence
    }

    /// Whether the choice says nothing.
    package var isEmpty: Bool {
        whole == nil && channelsOn.isEmpty && channelsOff.isEmpty && cadence == nil
    }
}

/// How often a user wants to hear of a type.
package enum Cadence: String, CaseIterable, Sendable, Hashable {
    case immediately
    case daily
    case weekly
}

/// All explicit choices of one user for one audience. Absent entries are "no choice", which is not the same as off:
/// defaults apply to them, now and when the supplier changes them.
package struct Choices: Hashable, Sendable {
    /// Choices for single types.
    package var types: [TypeKey: Choice]
    /// Choices for whole categories.
    package var categories: [CategoryName: Choice]
    /// The choice for everything.
    package var all: Choice

    /// Makes a user's choices.
    package init(
        types: [TypeKey: Choice] = [:], categories: [CategoryName: Choice] = [:], all: Choice = Choice()
    ) {
        self.types = types
        self.categories = categories
        self.all = all
    }

    /// Nothing was chosen.
    package static let none = Choices()

    /// Whether nothing was chosen.
    package var isEmpty: Bool { types.isEmpty && categories.isEmpty && all.isEmpty }

    /// About how many types and categories something was chosen.
    package var count: Int { types.count + categories.count }
}

extension PerAudience where Value == Choices {
    /// Nothing was chosen for any audience.
    package static let none = PerAudience(customer: .none, internalIndividual: .none, internalTeam: .none)
}
