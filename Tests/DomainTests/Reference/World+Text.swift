@testable import Domain

extension World {
    /// The world in a few lines: what is as usual is left out.
    var text: String {
        var lines = ["now \(now)" + (now.microseconds % 1_000_000 == 0 ? "" : " + \(now.microseconds % 1_000_000) us")]
        lines.append(typeText)
        for audience in Audience.allCases {
            guard let terms = terms[audience] else { continue }
            lines.append("for \(audience.rawValue): \(terms.setting.text), scope \(terms.scope.rawValue)")
            if let setting = settings.overrides[Self.key, audience] {
                lines.append("for \(audience.rawValue), by the tenant: \(setting.text)")
            }
            for (account, overrides) in settings.accountOverrides {
                guard let setting = overrides[Self.key, audience] else { continue }
                lines.append("for \(audience.rawValue), for account \(account): \(setting.text)")
            }
        }
        lines += eventText + settingsText
        if let customers { lines += customers.lines("account") }
        if isAccountSuppressed { lines.append("account: suppressed") }
        if !accountDefaults.isEmpty { lines.append("account: defaults \(accountDefaults.text)") }
        lines += supplier.lines("supplier")
        if let team { lines.append("team: \(Self.names(Array(team)))") }
        return lines.joined(separator: "\n")
    }

    private var typeText: String {
        var words = ["type on " + channels.map(\.rawValue).joined(separator: ", ")]
        if category != World().category { words.append("category \(category)") }
        if priority != .normal { words.append("priority \(priority.rawValue)") }
        if !respectsQuietHours { words.append("passes quiet hours") }
        if isDigestible { words.append("digestible") }
        if excludesActor { words.append("excludes the actor") }
        return words.joined(separator: ", ")
    }

    private var eventText: [String] {
        var lines: [String] = []
        if let actor { lines.append("actor \(actor)") }
        if !addressedUsers.isEmpty { lines.append("addressed: \(Self.names(addressedUsers))") }
        if !assignedReps.isEmpty { lines.append("assigned: \(Self.names(assignedReps))") }
        if isObjectSuppressed { lines.append("object suppressed") }
        if isTemplateMissing { lines.append("template missing") }
        if let inapplicability { lines.append("inapplicable: \(inapplicability.rawValue)") }
        if let notBefore { lines.append("not before \(notBefore) + \(notBefore.microseconds % 1_000_000) us") }
        if let destination { lines.append("goes to \(destination.channel.rawValue), \(destination.state.rawValue)") }
        if let heldDuty { lines.append("held duty: \(heldDuty.rawValue)") }
        return lines
    }

    private var settingsText: [String] {
        var lines: [String] = []
        if settings.enabledWithoutSubscription == .deliver { lines.append("enabled is delivered without subscription") }
        if !settings.unavailableChannels.isEmpty { lines.append("unavailable: \(settings.unavailableChannels.text)") }
        for cap in settings.caps {
            let channel = cap.channel.map { " by \($0.rawValue)" } ?? ""
            lines.append("cap: \(cap.limit) of \(cap.scope) in \(cap.seconds) s" + channel)
        }
        return lines
    }

    private static func names(_ ids: [UserID]) -> String { ids.sorted().map(\.rawValue).joined(separator: ", ") }
}

extension World.People {
    fileprivate func lines(_ side: String) -> [String] {
        var lines = users.map { "\(side): \($0.text)" }
        if users.isEmpty { lines.append("\(side): nobody") }
        if let defaultUser { lines.append("\(side): default user \(defaultUser)") }
        if !mailboxChoices.isEmpty { lines.append("\(side): chose for its mailbox \(mailboxChoices.text)") }
        if mailbox != .missing { lines.append("\(side): mailbox \(mailbox.rawValue)") }
        return lines
    }
}

extension World.Person {
    fileprivate var text: String {
        var words = ["user \(facts.id)"]
        if facts.status != .active { words.append(facts.status.rawValue) }
        if facts.isAdmin { words.append("administrator") }
        if facts.seniority != 0 { words.append("seniority \(facts.seniority)") }
        for channel in Channel.allCases where facts.addresses[channel] != .usable {
            words.append("\(channel.rawValue) \(facts.addresses[channel].rawValue)")
        }
        if let access = facts.accessAddresses {
            words += Channel.allCases.map { "\($0.rawValue) \(access[$0].rawValue) for access" }
        }
        for audience in Audience.allCases where !facts.choices[audience].isEmpty {
            words.append("chose for \(audience.rawValue) \(facts.choices[audience].text)")
        }
        if let snoozedUntil = facts.snoozedUntil {
            words.append("snoozed until \(snoozedUntil) + \(snoozedUntil.microseconds % 1_000_000) us")
        }
        for send in facts.recentSends {
            words.append(
                "got \(send.type) of \(send.category) by \(send.channel.rawValue) at \(send.at.microseconds) us")
        }
        if let clock { words.append(clock.text) }
        return words.joined(separator: ", ")
    }
}

extension World.Clock {
    fileprivate var text: String {
        let digest = "digests at minute \(digestMinute) and on \(digestDay)"
        guard let hours else { return "clock of \(zone.name), \(digest)" }
        var windows = "quiet " + hours.quiet.map(\.text).joined(separator: " ")
        if let sendWindows = hours.sendWindows {
            windows += " and outside of " + sendWindows.map(\.text).joined(separator: " ")
        }
        return "clock of \(zone.name), \(digest), \(windows)"
    }
}

extension QuietHours.Window {
    fileprivate var text: String { "\(weekday):\(start)-\(end)" }
}

extension Setting {
    fileprivate var text: String {
        let others = mandatory == .atLeastOne && othersSubscribed ? ", others subscribed" : ""
        let named = mandatoryChannels.isEmpty ? "" : ", keeps \(mandatoryChannels.text)"
        return preset.rawValue + others + named
    }
}

extension Choices {
    fileprivate var text: String {
        let words = scopes.map { scope in
            switch scope {
            case .type(let key): "[\(key): \(self[key].text)]"
            case .category(let name): "[\(name): \(self[name].text)]"
            case .all: "[all: \(all.text)]"
            }
        }
        return words.joined(separator: " ")
    }
}

extension Choice {
    fileprivate var text: String {
        var words: [String] = []
        if let whole { words.append(whole ? "on" : "off") }
        if !channelsOn.isEmpty { words.append("on by " + channelsOn.text) }
        if !channelsOff.isEmpty { words.append("off by " + channelsOff.text) }
        if let cadence { words.append(cadence.rawValue) }
        return words.joined(separator: " ")
    }
}

extension ChannelSet {
    fileprivate var text: String { channels.map(\.rawValue).joined(separator: "+") }
}
