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

/// What a choice is about.
package enum ChoiceScope: Hashable, Sendable {
    /// One type.
    case type(TypeKey)
    /// All types of a category.
    case category(CategoryName)
    /// Everything.
    case all
}

/// All explicit choices of one user for one audience. Absent entries are "no choice", which is not the same as off:
/// defaults apply to them, now and when the supplier changes them.
///
/// A sorted list, since there are a million users in memory who chose a thing or two: one choice takes 56 octets there, in a dictionary
/// it would take four times as many, in two more places.
package struct Choices: Hashable, Sendable {
    private enum Level: UInt8, Hashable, Sendable {
        case type
        case category
        case all
    }

    private struct Entry: Hashable, Sendable {
        let name: String
        let level: Level
        var choice: Choice

        func comes(before level: Level, _ name: String) -> Bool {
            self.level == level ? self.name < name : self.level.rawValue < level.rawValue
        }
    }

    /// By level and name; none says nothing.
    private var entries: [Entry] = []

    /// Makes a user's choices.
    package init(
        types: [TypeKey: Choice] = [:], categories: [CategoryName: Choice] = [:], all: Choice = Choice()
    ) {
        for (key, choice) in types { self[.type(key)] = choice }
        for (name, choice) in categories { self[.category(name)] = choice }
        self.all = all
    }

    /// Nothing was chosen.
    package static let none = Choices()

    /// Whether nothing was chosen.
    package var isEmpty: Bool { entries.isEmpty }

    /// About how many things something was chosen.
    package var count: Int { entries.count }

    /// How much memory they take, about, in octets. Names of up to 15 octets are in the list itself.
    package var octets: Int {
        entries.isEmpty ? 0 : entries.reduce(40) { $0 + 24 + ($1.name.utf8.count > 15 ? $1.name.utf8.count + 40 : 0) }
    }

    /// Whatever something was chosen about.
    package var scopes: [ChoiceScope] {
        entries.map { entry in
            switch entry.level {
            case .type: .type(TypeKey(unchecked: entry.name))
            case .category: .category(CategoryName(unchecked: entry.name))
            case .all: .all
            }
        }
    }

    /// What was chosen about something; an empty choice is none.
    package subscript(scope: ChoiceScope) -> Choice {
        get {
            switch scope {
            case .type(let key): self[key]
            case .category(let name): self[name]
            case .all: all
            }
        }
        set {
            switch scope {
            case .type(let key): put(newValue, .type, key.rawValue)
            case .category(let name): put(newValue, .category, name.rawValue)
            case .all: put(newValue, .all, "")
            }
        }
    }

    /// The choice for a type.
    package subscript(type: TypeKey) -> Choice { find(.type, type.rawValue) }

    /// The choice for a category.
    package subscript(category: CategoryName) -> Choice { find(.category, category.rawValue) }

    /// The choice for everything.
    package var all: Choice {
        get { entries.last.flatMap { $0.level == .all ? $0.choice : nil } ?? Choice() }
        set { self[.all] = newValue }
    }

    private func find(_ level: Level, _ name: String) -> Choice {
        let place = place(of: level, name)
        guard place < entries.count, entries[place].level == level, entries[place].name == name else { return Choice() }
        return entries[place].choice
    }

    private mutating func put(_ choice: Choice, _ level: Level, _ name: String) {
        let place = place(of: level, name)
        let isThere = place < entries.count && entries[place].level == level && entries[place].name == name
        switch (isThere, choice.isEmpty) {
        case (true, false): entries[place].choice = choice
        case (true, true): entries.remove(at: place)
        case (false, false): entries.insert(Entry(name: name, level: level, choice: choice), at: place)
        case (false, true): break
        }
    }

    /// Where an entry is, or would be.
    private func place(of level: Level, _ name: String) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].comes(before: level, name) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension PerAudience where Value == Choices {
    /// Nothing was chosen for any audience.
    package static let none = PerAudience(customer: .none, internalIndividual: .none, internalTeam: .none)
}
