@testable import Domain

// What shrinking a world makes of the values in it.

extension Setting {
    /// Settings with one thing less; "Enabled & Subscribed by Default" is the usual one.
    var simpler: [Setting] {
        var settings: [Setting] = []
        if self != Setting(.subscribed) { settings.append(Setting(.subscribed)) }
        if !mandatoryChannels.isEmpty {
            settings.append(Setting(enabled: enabled, defaultSubscribed: defaultSubscribed, mandatory: mandatory))
        }
        return settings
    }
}

extension Choices {
    /// Choices with one thing less.
    var simpler: [Choices] {
        var all: [Choices] = isEmpty ? [] : [.none]
        func add(_ change: (inout Choices) -> Void) {
            var choices = self
            change(&choices)
            all.append(choices)
        }
        for scope in scopes {
            add { $0[scope] = Choice() }
            for simpler in self[scope].simpler { add { $0[scope] = simpler } }
        }
        return all
    }
}

extension Choice {
    /// Choices with one thing less.
    var simpler: [Choice] {
        var choices: [Choice] = []
        if whole != nil { choices.append(Choice(channelsOn: channelsOn, channelsOff: channelsOff, cadence: cadence)) }
        if cadence != nil { choices.append(Choice(whole: whole, channelsOn: channelsOn, channelsOff: channelsOff)) }
        for channel in channelsOn.channels {
            choices.append(
                Choice(
                    whole: whole, channelsOn: channelsOn.subtracting(ChannelSet(channel)), channelsOff: channelsOff,
                    cadence: cadence))
        }
        for channel in channelsOff.channels {
            choices.append(
                Choice(
                    whole: whole, channelsOn: channelsOn, channelsOff: channelsOff.subtracting(ChannelSet(channel)),
                    cadence: cadence))
        }
        return choices
    }
}
