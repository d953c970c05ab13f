@testable import Domain

/// Makes a world from its seed alone. Small worlds are the likeliest: what is wrong shows in them, and they are quick.
struct WorldGenerator {
    private var dice: Dice
    private var world = World()
    /// Whose changes of clocks the world lies around; most people live there.
    private var zone = ZoneRules.utc

    static func world(_ seed: UInt64) -> World {
        var generator = WorldGenerator(dice: Dice(seed: seed))
        generator.makeMoment()
        generator.makeType()
        generator.makeSettings()
        generator.makeSides()
        generator.makeEvent()
        return generator.world
    }

    private init(dice: Dice) { self.dice = dice }

    // MARK: The moment

    /// Zones, with the instants around which their clocks change; a quiet day for those that never do.
    private static let zones: [(zone: ZoneRules, moments: [Instant])] = [
        (.utc, [Sample.now]),
        (Zones.berlin, [Zones.utc(2026, 3, 29, 1), Zones.utc(2026, 10, 25, 1)]),
        (Zones.newYork, [Zones.utc(2026, 3, 8, 7), Zones.utc(2026, 11, 1, 6)]),
        (Zones.lordHowe, [Zones.utc(2026, 4, 4, 15), Zones.utc(2026, 10, 3, 15, 30)]),
        (Zones.saoPaulo, [Zones.utc(2018, 11, 4, 3), Zones.utc(2019, 2, 17, 2)]),
        (Zones.apia, [Zones.utc(2011, 12, 30, 10)]),
        (Zones.tokyo, [Zones.utc(2024, 1, 3, 13)]), (Zones.kathmandu, [Zones.utc(2026, 6, 1, 20)]),
    ]

    /// Mostly within hours of a change, on a whole quarter of an hour as often as not: edges lie there.
    private mutating func makeMoment() {
        let (zone, moments) = dice.pick(Self.zones)
        self.zone = zone
        let hours = dice.oneIn(4) ? 60 : 5
        var seconds = Int64(dice.below(2 * hours * 60) - hours * 60) * 60
        if dice.oneIn(2) { seconds -= seconds % 900 }
        if dice.oneIn(4) { seconds += Int64(dice.below(60)) }
        let instant = dice.pick(moments).advanced(by: .seconds(seconds))
        world.now = dice.oneIn(8) ? Instant(microseconds: instant.microseconds + Int64(dice.below(1_000_000))) : instant
    }

    // MARK: The type and what is set for it

    private static let channels: [[Channel]] = [
        [.email], [.email, .inApp], [.email, .inApp], [.inApp, .email], [.inApp], [.push, .inApp],
        [.sms, .email, .push],
        [.webhook, .email], [.email, .inApp, .push, .sms, .webhook],
    ]
    private static let audiences: [[Audience]] = [
        [.customer], [.customer], [.customer], [.internalIndividual], [.internalTeam],
        [.internalIndividual, .internalTeam], [.customer, .internalTeam], Audience.allCases,
    ]
    private static let scopes = PerAudience<[Scope]>(
        customer: [.account, .account, .accountAdmins, .addressedUser],
        internalIndividual: [.assignedRep, .addressedUser],
        internalTeam: [.account])

    private mutating func makeType() {
        for audience in dice.pick(Self.audiences) {
            world.terms[audience] = .init(setting: setting(), scope: dice.pick(Self.scopes[audience]))
        }
        world.channels = dice.pick(Self.channels)
        if dice.oneIn(8) { world.category = CategoryName(unchecked: dice.pick(["Security", "Privacy and consent"])) }
        world.priority = dice.oneIn(4) ? dice.pick(Priority.allCases) : .normal
        world.respectsQuietHours = !dice.oneIn(4)
        world.isDigestible = !dice.oneIn(3)
        world.excludesActor = dice.oneIn(3)
    }

    private mutating func setting() -> Setting {
        let preset = dice.oneIn(12) ? Preset.disabled : dice.pick(Preset.allCases)
        let setting = Setting(preset, othersSubscribed: dice.oneIn(2))
        guard setting.mandatory != .none, dice.oneIn(3) else { return setting }
        return Setting(
            enabled: true, defaultSubscribed: setting.defaultSubscribed, mandatory: setting.mandatory,
            mandatoryChannels: dice.channels())
    }

    private mutating func makeSettings() {
        if dice.oneIn(4) { world.settings.enabledWithoutSubscription = .deliver }
        if dice.oneIn(6) { world.settings.unavailableChannels = dice.channels() }
        for audience in Audience.allCases where world.terms[audience] != nil {
            if dice.oneIn(8) { world.settings.overrides[World.key, audience] = setting() }
            guard dice.oneIn(8) else { continue }
            let account = dice.oneIn(4) ? AccountID(unchecked: "other") : World.account
            world.settings.accountOverrides[account, default: SettingOverrides()][World.key, audience] = setting()
        }
        if dice.oneIn(3) { world.settings.caps = (0...dice.below(2)).compactMap { _ in cap() } }
    }

    private mutating func cap() -> FrequencyCap? {
        let scope = dice.pick([
            FrequencyCap.Scope.all, .category(world.category), .category(CategoryName(unchecked: "Elsewhere")),
            .type(World.key), .type(TypeKey(unchecked: "test.other")),
        ])
        let channel = dice.oneIn(3) ? dice.pick([Channel.email, .push, .sms, .webhook]) : nil
        return FrequencyCap(dice.pick([1, 1, 2, 3]), within: dice.pick([60, 3_600, 86_400]), of: scope, on: channel)
    }

    // MARK: Both sides

    private static let sizes = [0, 1, 1, 1, 1, 2, 2, 2, 3, 4]

    private mutating func makeSides() {
        let terms = world.terms
        if terms.customer != nil ? !dice.oneIn(12) : dice.oneIn(3) {
            world.customers = people("u", count: terms.customer == nil ? dice.below(2) : dice.pick(Self.sizes))
            world.isAccountSuppressed = dice.oneIn(12)
            if dice.oneIn(4) { world.accountDefaults = choices() }
        }
        let isInternal = terms.internalIndividual != nil || terms.internalTeam != nil
        if isInternal || dice.oneIn(6) {
            world.supplier = people(
                dice.oneIn(16) ? "u" : "s", count: isInternal ? dice.pick(Self.sizes) : dice.below(2))
            if dice.oneIn(3) { world.supplier.mailboxChoices = choices() }
            if dice.oneIn(3) { world.team = Set(world.supplier.users.map(\.facts.id).filter { _ in !dice.oneIn(4) }) }
        }
    }

    private mutating func people(_ letter: String, count: Int) -> World.People {
        var people = World.People()
        for index in 0..<count { people.users.append(person(UserID(unchecked: letter + String(index)))) }
        if !dice.oneIn(4) { people.defaultUser = UserID(unchecked: letter + String(dice.below(count + 1))) }
        people.mailbox = dice.oneIn(2) ? .usable : dice.pick(AddressState.allCases)
        return people
    }

    private mutating func person(_ id: UserID) -> World.Person {
        var facts = UserFacts(id: id, addresses: PerChannel(repeating: .usable))
        if dice.oneIn(5) { facts.status = dice.pick(UserFacts.Status.allCases) }
        facts.isAdmin = dice.oneIn(3)
        // Few different ones, for the sake of ties.
        facts.seniority = Int64(dice.below(3))
        let isUnlucky = dice.oneIn(6)
        for channel in world.channels where isUnlucky || dice.oneIn(6) {
            facts.addresses[channel] = dice.pick(AddressState.allCases)
        }
        if dice.oneIn(4) {
            var access = facts.addresses
            for channel in world.channels where dice.oneIn(2) { access[channel] = dice.pick(AddressState.allCases) }
            facts.accessAddresses = access
        }
        for audience in Audience.allCases where world.terms[audience] != nil {
            if dice.oneIn(2) { facts.choices[audience] = choices() }
        }
        if dice.oneIn(6) { facts.choices.internalIndividual = choices() }
        if dice.oneIn(8) { facts.snoozedUntil = ahead() }
        if !world.settings.caps.isEmpty { facts.recentSends = (0..<dice.below(6)).map { _ in send() } }
        return World.Person(facts: facts, clock: dice.oneIn(2) ? clock() : nil)
    }

    private mutating func choices() -> Choices {
        var choices = Choices()
        if dice.oneIn(2) { choices[.type(World.key)] = choice() }
        if dice.oneIn(4) { choices[.category(world.category)] = choice() }
        if dice.oneIn(16) { choices[.type(TypeKey(unchecked: "test.other"))] = choice() }
        if dice.oneIn(3) { choices.all = choice() }
        return choices
    }

    /// Weekly digests are rare, as the reference walks through their weeks minute by minute.
    private mutating func choice() -> Choice {
        var choice = Choice(
            whole: dice.pick([nil, nil, true, false]), channelsOn: dice.oneIn(4) ? dice.channels() : [],
            channelsOff: dice.oneIn(4) ? dice.channels() : [])
        if dice.oneIn(5) { choice.cadence = dice.oneIn(8) ? .weekly : dice.pick([.immediately, .daily, .daily]) }
        return choice
    }

    /// At the edges of now, or days ahead.
    private mutating func ahead() -> Instant {
        let offsets: [Int64] = [-1_000_000, 0, 1, 1_000_000, 3_600_000_000, Int64(dice.below(4_000)) * 60_000_000]
        return Instant(microseconds: world.now.microseconds + dice.pick(offsets))
    }

    /// Around the beginning of some cap's span.
    private mutating func send() -> RecentSend {
        let cap = dice.pick(world.settings.caps)
        let offset = dice.pick([-1_000_001, -1_000_000, -1, 0, 1, 1_000_000, 30_000_000, cap.seconds * 1_000_000])
        let isSame = !dice.oneIn(4)
        return RecentSend(
            at: Instant(microseconds: world.now.microseconds - cap.seconds * 1_000_000 + offset),
            type: isSame ? World.key : TypeKey(unchecked: "test.other"),
            category: isSame || dice.oneIn(2) ? world.category : CategoryName(unchecked: "Elsewhere"),
            channel: dice.pick(Channel.allCases))
    }

    private mutating func clock() -> World.Clock {
        World.Clock(
            zone: dice.oneIn(6) ? dice.pick(Self.zones).zone : zone, hours: dice.oneIn(8) ? nil : dice.pick(Hours.pool),
            digestMinute: dice.pick([0, 60 + 30, 2 * 60, 2 * 60 + 30, 3 * 60, 8 * 60, 23 * 60 + 30, 1_439]),
            digestDay: dice.oneIn(2) ? .monday : dice.pick(Weekday.allCases))
    }

    // MARK: The event

    private mutating func makeEvent() {
        let everybody = ((world.customers?.users ?? []) + world.supplier.users).map(\.facts.id)
        func some(_ dice: inout Dice) -> [UserID] { everybody.filter { _ in !dice.oneIn(3) } }
        if dice.oneIn(2), !everybody.isEmpty { world.actor = dice.pick(everybody) }
        world.addressedUsers = some(&dice)
        world.assignedReps = some(&dice)
        // The same name twice is one person.
        if dice.oneIn(8) { world.addressedUsers += world.addressedUsers }
        world.isObjectSuppressed = dice.oneIn(24)
        world.isTemplateMissing = dice.oneIn(40)
        if dice.oneIn(12) { world.inapplicability = dice.pick(EventFacts.Inapplicability.allCases) }
        if dice.oneIn(6) { world.notBefore = ahead() }
        // Nobody else than whom it names can be asked whether an address is theirs.
        let isAddressed = Audience.allCases.allSatisfy { world.terms[$0].map { $0.scope == .addressedUser } ?? true }
        if isAddressed, dice.oneIn(3) {
            world.destination = .init(on: dice.pick(world.channels), dice.pick(AddressState.allCases))
        }
        if dice.oneIn(10) { world.heldDuty = dice.pick(Duty.allCases) }
    }
}
