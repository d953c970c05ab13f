import Testing

@testable import Domain

/// Who of an account gets a notification, by setting, place and choice: every cell.
@Suite struct TruthTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let setting: Setting
        /// For a choice of none, on, off.
        let defaultUser: [Bool]
        let other: [Bool]
        var testDescription: String { name }
    }

    static let rows = [
        Row(
            name: "disabled", setting: Setting(.disabled), defaultUser: [false, false, false],
            other: [false, false, false]),
        Row(
            name: "enabled", setting: Setting(.enabled), defaultUser: [false, true, false],
            other: [false, true, false]),
        Row(
            name: "subscribed", setting: Setting(.subscribed), defaultUser: [true, true, false],
            other: [true, true, false]),
        Row(
            name: "mandatory_one, others enabled", setting: Setting(.mandatoryAtLeastOne),
            defaultUser: [true, true, true], other: [false, true, false]),
        Row(
            name: "mandatory_one, others subscribed",
            setting: Setting(.mandatoryAtLeastOne, othersSubscribed: true), defaultUser: [true, true, true],
            other: [true, true, false]),
        Row(
            name: "mandatory_all", setting: Setting(.mandatoryAll), defaultUser: [true, true, true],
            other: [true, true, true]),
    ]

    static let choices: [Bool?] = [nil, true, false]

    @Test(arguments: rows)
    func everyCell(_ row: Row) throws {
        let type = try Sample.type(setting: row.setting)
        for (first, defaultChoice) in Self.choices.enumerated() {
            for (second, otherChoice) in Self.choices.enumerated() {
                let account = Sample.account(
                    [
                        Sample.user("dora", seniority: 2, choice: Choice(whole: defaultChoice)),
                        Sample.user("otto", isAdmin: true, seniority: 1, choice: Choice(whole: otherChoice)),
                    ], defaultUser: "dora")
                let decisions = resolve(
                    event: EventFacts(type: type), account: account, settings: TenantSettings(), now: Sample.now)
                #expect(decisions.count == 2)
                let got = Set(told(decisions))
                #expect(got.contains("dora") == row.defaultUser[first], "dora \(String(describing: defaultChoice))")
                #expect(got.contains("otto") == row.other[second], "otto \(String(describing: otherChoice))")
            }
        }
    }

    @Test(arguments: rows)
    func checkAndResolveAgree(_ row: Row) throws {
        let type = try Sample.type(setting: row.setting)
        let account = Sample.account(
            [Sample.user("dora"), Sample.user("otto", choice: Choice(whole: false))], defaultUser: "dora")
        let event = EventFacts(type: type)
        for entry in resolve(event: event, account: account, settings: TenantSettings(), now: Sample.now) {
            guard case .user(let id) = entry.recipient else { continue }
            let single = decide(
                user: id, as: .customer, event: event, account: account, settings: TenantSettings(), now: Sample.now)
            #expect(single == entry.decision)
        }
    }

    @Test func presetsDifferPairwise() throws {
        var seen: [Preset: [[Bool]]] = [:]
        for row in Self.rows where row.setting != Setting(.mandatoryAtLeastOne, othersSubscribed: true) {
            seen[row.setting.preset] = [row.defaultUser, row.other]
        }
        #expect(Set(seen.values).count == Preset.allCases.count)
    }

    @Test func plainEnabledCanBeReadAsDeliver() throws {
        var settings = TenantSettings()
        settings.enabledWithoutSubscription = .deliver
        let enabled = try Sample.type(setting: Setting(.enabled))
        #expect(Sample.decide(Sample.user("u"), enabled, settings: settings).reason == .enabledWithoutSubscription)
        let off = Sample.user("u", choice: Choice(whole: false))
        #expect(Sample.decide(off, enabled, settings: settings).reason == .optedOut)

        // "Only the designated default user" stays literal.
        let one = try Sample.type(setting: Setting(.mandatoryAtLeastOne))
        let account = Sample.account([Sample.user("dora"), Sample.user("otto")], defaultUser: "dora")
        let decisions = resolve(event: EventFacts(type: one), account: account, settings: settings, now: Sample.now)
        #expect(told(decisions) == ["dora"])
    }

    @Test func choicesSurviveALock() throws {
        let user = Sample.user("u", choice: Choice(whole: false))
        let locked = Sample.decide(user, try Sample.type(setting: Setting(.mandatoryAll)))
        #expect(locked.isPositive)
        #expect(locked.trace.choice == .init(level: .type, isOn: false))
        let relaxed = Sample.decide(user, try Sample.type(setting: Setting(.subscribed)))
        #expect(relaxed.reason == .optedOut)
    }
}
