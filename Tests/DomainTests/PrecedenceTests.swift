import Testing

@testable import Domain

/// Which rule wins, and that each reason can be the answer.
@Suite struct PrecedenceTests {
    private let off = Choice(whole: false)

    /// Everything against the user at once; taking the strongest reason away uncovers the next.
    @Test func firstMatchWins() throws {
        let type = try Sample.type(setting: Setting(.subscribed), excludesActor: true)
        var settings = TenantSettings()
        settings.overrides[type.key, .customer] = Setting(.disabled)
        var user = Sample.user("u", status: .notInvited, addresses: [.email: .hardBounced, .inApp: .missing])
        user.choices.customer[.type(type.key)] = off
        var event = EventFacts(type: type, actor: "u", isObjectSuppressed: true, inapplicability: .paid)
        var isSuppressed = true
        func reason() -> Reason {
            decide(
                user: "u", as: .customer, event: event, account: Sample.account([user], isSuppressed: isSuppressed),
                settings: settings, now: Sample.now
            ).reason
        }
        #expect(reason() == .typeDisabled)
        settings = TenantSettings()
        #expect(reason() == .notInvited)
        user.status = .disabled
        #expect(reason() == .recipientInactive)
        user.status = .active
        #expect(reason() == .objectSuppressed)
        event.isObjectSuppressed = false
        #expect(reason() == .customerSuppressed)
        isSuppressed = false
        #expect(reason() == .actorExcluded)
        event.actor = "somebody"
        #expect(reason() == .paid)
        event.inapplicability = nil
        #expect(reason() == .optedOut)
        user.choices.customer = .none
        #expect(reason() == .subscribedByDefault)
        let decision = Sample.decide(user, type)
        #expect(decision.verdict(on: .email) == .suppress(.hardBounce))
        #expect(decision.verdict(on: .inApp) == .suppress(.noAddress))
        #expect(decision.verdict(on: .sms) == nil)
        #expect(!decision.isPositive)
    }

    @Test func everyReasonIsReachable() throws {
        var seen: Set<Reason> = []
        func note(_ decision: Decision) {
            seen.insert(decision.reason)
            for channel in Channel.allCases { decision.channels[channel].map { _ = seen.insert($0.reason) } }
        }
        func note(_ user: UserFacts, _ type: NotificationType, _ settings: TenantSettings = TenantSettings()) {
            note(Sample.decide(user, type, settings: settings))
        }
        let all = try Sample.type(channels: Channel.allCases)
        for setting in Preset.allCases.map({ Setting($0) }) {
            note(Sample.user("u"), try Sample.type(setting: setting))
        }
        for status in UserFacts.Status.allCases { note(Sample.user("u", status: status), all) }
        for state in AddressState.allCases { note(Sample.user("u", addresses: [.email: state]), all) }
        for choice in [Choice(whole: true), off, Choice(channelsOff: ChannelSet(.email)), Choice(cadence: .daily)] {
            note(Sample.user("u", choice: choice), all)
        }
        for inapplicability in EventFacts.Inapplicability.allCases {
            let event = EventFacts(type: all, inapplicability: inapplicability)
            note(
                decide(
                    user: "u", as: .customer, event: event, account: Sample.account([Sample.user("u")]),
                    settings: TenantSettings(), now: Sample.now))
        }
        var deliver = TenantSettings(enabledWithoutSubscription: .deliver)
        note(Sample.user("u"), try Sample.type(setting: Setting(.enabled)), deliver)
        deliver.caps = [try #require(FrequencyCap(1, within: 60))]
        note(Sample.user("u", recentSends: Sample.sends([1])), all, deliver)
        note(Sample.user("u", snoozedUntil: Sample.now.advanced(by: .seconds(60))), all)
        for isOn in [true, false] {
            let defaults = Choices(all: Choice(whole: isOn))
            note(
                decide(
                    user: "u", as: .customer, event: EventFacts(type: all),
                    account: Sample.account([Sample.user("u")], defaults: defaults), settings: TenantSettings(),
                    now: Sample.now))
        }
        let later = EventFacts(type: all, notBefore: Sample.now.advanced(by: .seconds(60)))
        note(
            decide(
                user: "u", as: .customer, event: later, account: Sample.account([Sample.user("u")]),
                settings: TenantSettings(), now: Sample.now))
        note(Sample.user("u"), all, TenantSettings(unavailableChannels: ChannelSet(.sms)))
        let quiet = try #require(QuietHours.daily(from: 0, to: 1_439))
        note(Sample.user("u", schedule: Schedule(zone: .utc, quietHours: quiet)), all)

        let account = Sample.account([Sample.user("u", isAdmin: true)], defaultUser: "u", isSuppressed: true)
        for event in [EventFacts(type: all), EventFacts(type: all, isObjectSuppressed: true)] {
            for entry in resolve(event: event, account: account, settings: TenantSettings(), now: Sample.now) {
                note(entry.decision)
            }
        }
        let one = try Sample.type(setting: Setting(.mandatoryAtLeastOne), excludesActor: true)
        let personal = try Sample.type(setting: Setting(.mandatoryAtLeastOne), scope: .addressedUser)
        let open = Sample.account([Sample.user("u", isAdmin: true)], defaultUser: "u")
        let events = [
            EventFacts(type: one), EventFacts(type: one, actor: "u"), EventFacts(type: personal, addressedUsers: ["u"]),
        ]
        for event in events {
            for account in [open, Sample.account([])] {
                for entry in resolve(event: event, account: account, settings: TenantSettings(), now: Sample.now) {
                    note(entry.decision)
                }
            }
        }
        note(
            decide(
                user: "u", as: .customer, event: EventFacts(type: personal), account: open,
                settings: TenantSettings(), now: Sample.now))
        // Found by who holds the dedupe keys; resolve() itself finds it between the internal audiences.
        seen.insert(.duplicate)
        #expect(Set(Reason.allCases).subtracting(seen) == [])
    }

    @Test func securityAndLegalPassSuppression() throws {
        for category in ["Security", "Privacy and consent"] {
            let type = try Sample.type(category: category)
            let event = EventFacts(type: type, isObjectSuppressed: true)
            let account = Sample.account([Sample.user("u")], isSuppressed: true)
            let decisions = resolve(event: event, account: account, settings: TenantSettings(), now: Sample.now)
            #expect(told(decisions) == ["u"])
        }
    }

    @Test func accountOverrideBeforeTenantBeforeCatalog() throws {
        let type = try Sample.type(setting: Setting(.subscribed))
        var settings = TenantSettings()
        let user = Sample.user("u")
        #expect(Sample.decide(user, type, settings: settings).trace.settingSource == .catalog)
        settings.overrides[type.key, .customer] = Setting(.disabled)
        #expect(Sample.decide(user, type, settings: settings).trace.settingSource == .tenant)
        #expect(!Sample.decide(user, type, settings: settings).isPositive)
        var own = SettingOverrides()
        own[type.key, .customer] = Setting(.mandatoryAll)
        settings.accountOverrides[Sample.accountID] = own
        let decision = Sample.decide(user, type, settings: settings)
        #expect(decision.trace.settingSource == .account)
        #expect(decision.reason == .mandatoryForAll)
        // Another account's setting does not count.
        settings.accountOverrides = [AccountID(unchecked: "other"): own]
        #expect(!Sample.decide(user, type, settings: settings).isPositive)
        // Taking an override back leaves nothing behind.
        own[type.key, .customer] = nil
        #expect(own.isEmpty)
    }

    @Test func missingTemplateIsADisabledType() throws {
        let event = EventFacts(type: try Sample.type(), isTemplateMissing: true)
        let decisions = resolve(
            event: event, account: Sample.account([Sample.user("u")]), settings: TenantSettings(), now: Sample.now)
        #expect(decisions.map(\.decision.reason) == [.typeDisabled])
    }

    @Test func unknownUserIsInactive() throws {
        let decision = decide(
            user: "ghost", as: .customer, event: EventFacts(type: try Sample.type()), account: Sample.account([]),
            settings: TenantSettings(), now: Sample.now)
        #expect(decision.reason == .recipientInactive)
        #expect(decision.verdict(on: .email) == .suppress(.recipientInactive))
    }
}
