/// How a user's choices at three levels come together for one type: the type's own word before the category's, the
/// category's before the word on everything.
struct Standing {
    /// The word on the whole, and where it was said.
    let whole: Trace.ChoiceUsed?
    /// Channels that the user turned on for this type. A channel turned on at a level does not count when the whole
    /// was turned off at the same level or a more specific one.
    let channelsOn: ChannelSet
    /// Channels that the user turned off for this type.
    let channelsOff: ChannelSet
    /// How often the user wants to hear of it; nil is no word.
    let cadence: Cadence?

    init(_ choices: Choices, type: NotificationType) {
        let own = choices[type.key]
        let category = choices[type.category]
        let all = choices.all

        whole =
            if let isOn = own.whole {
                Trace.ChoiceUsed(level: .type, isOn: isOn)
            } else if let isOn = category.whole {
                Trace.ChoiceUsed(level: .category, isOn: isOn)
            } else if let isOn = all.whole {
                Trace.ChoiceUsed(level: .all, isOn: isOn)
            } else {
                nil
            }
        cadence = own.cadence ?? category.cadence ?? all.cadence

        let ownOn = own.channelsOn
        let ownOff = own.channelsOff
        let ownSaid = ownOn.union(ownOff)
        let categoryOn = category.channelsOn.subtracting(ownSaid)
        let categoryOff = category.channelsOff.subtracting(ownSaid)
        let said = ownSaid.union(categoryOn).union(categoryOff)
        channelsOff = ownOff.union(categoryOff).union(all.channelsOff.subtracting(said))

        let offLevel = whole.flatMap { $0.isOn ? nil : $0.level }
        channelsOn =
            switch offLevel {
            case .type: []
            case .category: ownOn
            case .all: ownOn.union(categoryOn)
            case nil: ownOn.union(categoryOn).union(all.channelsOn.subtracting(said))
            }
    }

    /// Whether the user wants the type on `channel`: the reason, or nil when the user said nothing that applies.
    func word(on channel: Channel) -> Reason? {
        if channelsOff.contains(channel) { return .channelOptedOut }
        if channelsOn.contains(channel) { return .optedIn }
        guard let whole else { return nil }
        return whole.isOn ? .optedIn : .optedOut
    }

    /// Whether the user said no, on the whole or for `channel`.
    func refuses(_ channel: Channel) -> Bool {
        guard let word = word(on: channel) else { return false }
        return word != .optedIn
    }
}
