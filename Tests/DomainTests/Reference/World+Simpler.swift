@testable import Domain

extension World {
    /// Worlds with one thing less: somebody or something taken away, or brought to the state that is usual. Great steps
    /// stand first, so that shrinking gets to small worlds soon. None of them can be made of another one's simpler ones
    /// again, or shrinking would go round.
    var simpler: [World] { simplerSides + simplerTypes + simplerEvents + simplerSettings + simplerPeople }

    /// This world with a change.
    private func with(_ change: (inout World) -> Void) -> World {
        var world = self
        change(&world)
        return world
    }

    /// This world with a value brought to the usual one; none when it has it already.
    private func usual<Value: Equatable>(_ path: WritableKeyPath<World, Value>, _ value: Value) -> [World] {
        self[keyPath: path] == value ? [] : [with { $0[keyPath: path] = value }]
    }

    private var simplerSides: [World] {
        var worlds: [World] = []
        if customers != nil { worlds.append(with { $0.customers = nil }) }
        for audience in Audience.allCases where terms[audience] != nil {
            worlds.append(with { $0.terms[audience] = nil })
        }
        for index in (customers?.users ?? []).indices { worlds.append(with { $0.customers?.users.remove(at: index) }) }
        for index in supplier.users.indices { worlds.append(with { $0.supplier.users.remove(at: index) }) }
        if customers?.defaultUser != nil { worlds.append(with { $0.customers?.defaultUser = nil }) }
        if let customers, customers.mailbox != .missing { worlds.append(with { $0.customers?.mailbox = .missing }) }
        return worlds + usual(\.supplier.defaultUser, nil) + usual(\.supplier.mailbox, .missing)
            + usual(\.supplier.mailboxChoices, .none) + usual(\.team, nil)
            + usual(\.isAccountSuppressed, false) + usual(\.accountDefaults, .none)
            + accountDefaults.simpler.map { choices in with { $0.accountDefaults = choices } }
    }

    private var simplerTypes: [World] {
        var worlds: [World] = []
        for index in channels.indices where channels.count > 1 { worlds.append(with { $0.channels.remove(at: index) }) }
        for audience in Audience.allCases {
            guard let terms = terms[audience] else { continue }
            for setting in terms.setting.simpler {
                worlds.append(with { $0.terms[audience] = .init(setting: setting, scope: terms.scope) })
            }
            if terms.scope != .account {
                worlds.append(with { $0.terms[audience] = .init(setting: terms.setting, scope: .account) })
            }
        }
        return worlds + usual(\.channels, [.email]) + usual(\.category, World().category) + usual(\.priority, .normal)
            + usual(\.respectsQuietHours, true) + usual(\.isDigestible, false) + usual(\.excludesActor, false)
    }

    private var simplerEvents: [World] {
        var worlds = usual(\.actor, nil) + usual(\.isObjectSuppressed, false) + usual(\.isTemplateMissing, false)
        worlds +=
            usual(\.inapplicability, nil) + usual(\.heldDuty, nil) + usual(\.notBefore, nil) + usual(\.destination, nil)
        for index in addressedUsers.indices { worlds.append(with { $0.addressedUsers.remove(at: index) }) }
        for index in assignedReps.indices { worlds.append(with { $0.assignedReps.remove(at: index) }) }
        let second = Instant(seconds: now.seconds)
        return worlds + usual(\.now, Instant(seconds: second.seconds - second.seconds % 3_600)) + usual(\.now, second)
    }

    private var simplerSettings: [World] {
        var worlds = usual(\.settings, TenantSettings()) + usual(\.settings.overrides, SettingOverrides())
        worlds += usual(\.settings.accountOverrides, [:]) + usual(\.settings.unavailableChannels, [])
        worlds += usual(\.settings.enabledWithoutSubscription, .optIn)
        for index in settings.caps.indices { worlds.append(with { $0.settings.caps.remove(at: index) }) }
        return worlds
    }

    private var simplerPeople: [World] {
        var worlds: [World] = []
        for (index, person) in (customers?.users ?? []).enumerated() {
            worlds += person.simpler.map { simpler in with { $0.customers?.users[index] = simpler } }
        }
        for (index, person) in supplier.users.enumerated() {
            worlds += person.simpler.map { simpler in with { $0.supplier.users[index] = simpler } }
        }
        return worlds
    }
}

extension World.Person {
    /// This person with one thing less.
    fileprivate var simpler: [World.Person] {
        func with(_ change: (inout World.Person) -> Void) -> World.Person {
            var person = self
            change(&person)
            return person
        }
        var people: [World.Person] = []
        if let clock {
            people.append(with { $0.clock = nil })
            people += clock.simpler.map { simpler in with { $0.clock = simpler } }
        }
        if facts.status != .active { people.append(with { $0.facts.status = .active }) }
        if facts.isAdmin { people.append(with { $0.facts.isAdmin = false }) }
        if facts.seniority != 0 { people.append(with { $0.facts.seniority = 0 }) }
        if facts.accessAddresses != nil { people.append(with { $0.facts.accessAddresses = nil }) }
        if facts.snoozedUntil != nil { people.append(with { $0.facts.snoozedUntil = nil }) }
        for channel in Channel.allCases where facts.addresses[channel] != .usable {
            people.append(with { $0.facts.addresses[channel] = .usable })
        }
        for index in facts.recentSends.indices { people.append(with { $0.facts.recentSends.remove(at: index) }) }
        for audience in Audience.allCases {
            people += facts.choices[audience].simpler.map { choices in with { $0.facts.choices[audience] = choices } }
        }
        return people
    }
}

extension World.Clock {
    /// This clock with one thing less.
    fileprivate var simpler: [World.Clock] {
        var clocks: [World.Clock] = []
        func add(_ change: (inout World.Clock) -> Void) {
            var clock = self
            change(&clock)
            clocks.append(clock)
        }
        if let hours {
            add { $0.hours = nil }
            // What stands before them in the pool is easier to read.
            for simpler in Hours.pool.prefix(while: { $0 != hours }) { add { $0.hours = simpler } }
        }
        if zone != .utc { add { $0.zone = .utc } }
        if digestMinute != 8 * 60 { add { $0.digestMinute = 8 * 60 } }
        if digestDay != .monday { add { $0.digestDay = .monday } }
        return clocks
    }
}
