import Testing

@testable import Domain

/// Rules that hold for every event, account and setting. Each case is made from its seed alone.
@Suite struct PropertyTests {
    struct Scene {
        let event: EventFacts
        let account: Directory
        let defaultUser: UserID?
        let settings: TenantSettings
        let setting: Setting
        let now: Instant

        var decisions: [RecipientDecision] {
            resolve(event: event, account: account, settings: settings, now: now)
        }

        func user(_ recipient: Recipient) -> UserFacts? {
            if case .user(let id) = recipient { account[id] } else { nil }
        }
    }

    static func scene(_ seed: UInt64) throws -> Scene {
        var random = SeededGenerator(seed: seed)
        func flip(_ oneIn: Int = 2) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }
        func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &random)] }
        func channels() -> ChannelSet { ChannelSet(rawValue: UInt8.random(in: 0...31, using: &random)) }
        func choice() -> Choice {
            Choice(
                whole: pick([nil, nil, true, false]), channelsOn: flip(4) ? channels() : [],
                channelsOff: flip(4) ? channels() : [], cadence: pick([nil, nil, .immediately, .daily, .weekly]))
        }
        let setting = Setting(pick(Preset.allCases), othersSubscribed: flip())
        let scope = pick([Scope.account, .account, .accountAdmins, .addressedUser])
        let offered = pick([[Channel.email, .inApp], [.email], [.inApp], [.sms, .email, .push], [.push, .inApp]])
        let type = try Sample.type(
            setting: setting, scope: scope, channels: offered, priority: pick(Priority.allCases),
            respectsQuietHours: flip(), isDigestible: flip(), excludesActor: flip())
        let users = (0..<Int.random(in: 0...5, using: &random)).map { index in
            var states: [Channel: AddressState] = [:]
            for channel in Channel.allCases where flip(3) { states[channel] = pick(AddressState.allCases) }
            var choices = Choices(all: choice())
            if flip() { choices[.type(type.key)] = choice() }
            if flip() { choices[.category(type.category)] = choice() }
            return Sample.user(
                "u\(index)", status: flip(4) ? pick(UserFacts.Status.allCases) : .active, isAdmin: flip(3),
                seniority: Int64.random(in: 0...3, using: &random), addresses: states, choices: choices,
                schedule: flip()
                    ? Schedule(zone: Zones.berlin, quietHours: QuietHours.daily(from: 1_200, to: 420)) : nil,
                snoozedUntil: flip(6) ? Instant(seconds: 1_784_000_000) : nil,
                recentSends: Sample.sends((0..<Int.random(in: 0...5, using: &random)).map { _ in 0 }))
        }
        let defaultUser = flip(5) ? nil : "u0"
        let account = Sample.account(
            users, defaultUser: defaultUser, mailbox: flip() ? .usable : .missing, isSuppressed: flip(12))
        var settings = TenantSettings(enabledWithoutSubscription: flip(4) ? .deliver : .optIn)
        if flip() { settings.caps = [FrequencyCap(3, within: FrequencyCap.longestSpan)].compactMap(\.self) }
        let now = Instant(seconds: 1_774_000_000 + Int64.random(in: 0...20_000_000, using: &random))
        let later = flip(6) ? now.advanced(by: .seconds(Int64.random(in: -90_000...900_000, using: &random))) : nil
        let event = EventFacts(
            type: type, actor: flip() ? "u1" : nil,
            addressedUsers: (0..<Int.random(in: 0...2, using: &random)).map { UserID(unchecked: "u\($0)") },
            isObjectSuppressed: flip(12), inapplicability: flip(12) ? .paid : nil, notBefore: later)
        return Scene(
            event: event, account: account, defaultUser: defaultUser.map(UserID.init(unchecked:)), settings: settings,
            setting: setting, now: now)
    }

    /// Runs `check` on many scenes; a failure names its seed.
    private func forAll(_ check: (Scene) throws -> Bool, _ location: SourceLocation = #_sourceLocation) throws {
        for seed in 0..<1_500 as Range<UInt64> {
            guard try check(try Self.scene(seed)) else {
                Issue.record("seed \(seed)", sourceLocation: location)
                return
            }
        }
    }

    private func isSilent(_ scene: Scene) -> Bool {
        !scene.setting.enabled || scene.event.isObjectSuppressed || scene.account.side.isSuppressed
            || scene.event.inapplicability != nil
    }

    @Test func sameFactsSameDecision() throws {
        try forAll { $0.decisions == $0.decisions }
    }

    @Test func aReachableDefaultUserGetsWhatOneMust() throws {
        var met = 0
        try forAll { scene in
            guard scene.setting.mandatory == .atLeastOne, !isSilent(scene),
                let id = scene.defaultUser,
                let user = scene.account[id], scene.event.type.audiences.customer?.scope == .account,
                user.isReachable(on: scene.event.type.channelSet),
                !(scene.event.type.excludesActor && scene.event.actor == id)
            else { return true }
            met += 1
            return scene.decisions.contains { $0.recipient == .user(id) && $0.decision.isPositive }
        }
        #expect(met > 20)
    }

    @Test func atLeastOneIsNeverNobodyInSilence() throws {
        try forAll { scene in
            let decisions = scene.decisions
            let isPersonal = scene.event.type.audiences.customer?.scope.isPersonal == true
            guard scene.setting.mandatory == .atLeastOne, !isSilent(scene), !(isPersonal && decisions.isEmpty) else {
                return true
            }
            return decisions.contains {
                $0.decision.isPositive || $0.decision.reason == .noEligibleRecipient
                    || $0.decision.reason == .actorExcluded
            }
        }
    }

    @Test func whoOptedOutIsToldOnlyWhenItIsMandatory() throws {
        var met = 0
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                guard let user = scene.user(entry.recipient),
                    user.choices.customer[scene.event.type.key].whole == false
                else { return true }
                met += 1
                return !entry.decision.isPositive || entry.decision.reason.isMandatory
            }
        }
        #expect(met > 200)
    }

    @Test func deadAddressesAreNeverUsed() throws {
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                guard let user = scene.user(entry.recipient) else { return true }
                return Channel.allCases.allSatisfy {
                    user.addresses[$0] == .usable || entry.decision.verdict(on: $0)?.isPositive != true
                }
            }
        }
    }

    @Test func inactivePeopleAndTheActorGetNothing() throws {
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                guard let user = scene.user(entry.recipient) else { return true }
                let isActor = scene.event.type.excludesActor && scene.event.actor == user.id
                return !entry.decision.isPositive || (user.inactivity == nil && !isActor)
            }
        }
    }

    @Test func silenceReachesEverybody() throws {
        try forAll { scene in
            !isSilent(scene) || scene.decisions.allSatisfy { !$0.decision.isPositive }
        }
    }

    @Test func mandatoryKeepsAChannelForWhoCanBeReached() throws {
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                guard entry.decision.reason.isMandatory, let user = scene.user(entry.recipient) else { return true }
                return entry.decision.isPositive == user.isReachable(on: scene.event.type.channelSet)
            }
        }
    }

    @Test func personalTypesStayPersonal() throws {
        try forAll { scene in
            guard scene.event.type.audiences.customer?.scope == .addressedUser else { return true }
            return scene.decisions.allSatisfy { entry in
                switch entry.recipient {
                case .user(let id): scene.event.addressedUsers.contains(id)
                case .mailbox: false
                case .nobody: true
                }
            }
        }
    }

    @Test func exactlyTheTypesChannelsHaveAVerdict() throws {
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                Channel.allCases.allSatisfy {
                    (entry.decision.verdict(on: $0) != nil) == scene.event.type.channelSet.contains($0)
                }
            }
        }
    }

    /// The inbox waits for the event's own time, and for nothing else.
    @Test func inAppNeverWaitsForItsReaderAndWaitingLiesAhead() throws {
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                Channel.allCases.allSatisfy { channel in
                    switch entry.decision.verdict(on: channel) {
                    case .defer(let until):
                        until > scene.now && (channel != .inApp || until == scene.event.notBefore)
                    case .digest(let window): channel != .inApp && window.closes > scene.now
                    default: true
                    }
                }
            }
        }
    }

    @Test func nobodyIsToldBeforeTheEventsTime() throws {
        var met = 0
        try forAll { scene in
            guard let time = scene.event.notBefore, time > scene.now else { return true }
            return scene.decisions.allSatisfy { entry in
                Channel.allCases.allSatisfy { channel in
                    switch entry.decision.verdict(on: channel) {
                    case .deliver: return false
                    case .defer(let until):
                        met += 1
                        return until >= time
                    case .digest(let window): return window.closes > time
                    default: return true
                    }
                }
            }
        }
        #expect(met > 100)
    }

    @Test func eachRecipientStandsThereOnce() throws {
        try forAll { scene in
            let recipients = scene.decisions.map(\.recipient)
            return Set(recipients).count == recipients.count
        }
    }

    @Test func oneAndAllAreAskedTheSame() throws {
        try forAll { scene in
            scene.decisions.allSatisfy { entry in
                guard case .user(let id) = entry.recipient else { return true }
                return entry.decision
                    == decide(
                        user: id, as: .customer, event: scene.event, account: scene.account, settings: scene.settings,
                        now: scene.now)
            }
        }
    }
}
