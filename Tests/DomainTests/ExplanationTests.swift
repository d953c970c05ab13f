import Testing

@testable import Domain

@Suite struct ExplanationTests {
    @Test func saysWhoSetWhatAndWhichRuleWon() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAll))
        let user = Sample.user("u", addresses: [.inApp: .blocked], choice: Choice(whole: false))
        #expect(
            Sample.decide(user, type).explanation == [
                "The catalog's setting for Customer Notifications is \"Enabled & Mandatory: All Users\".",
                "Mandatory for all users of the account; your opt-out is kept and ignored.",
                "E-mail: sent.",
                "Portal inbox: not sent; the address is blocked.",
            ])
    }

    @Test func saysWhyNot() throws {
        var settings = TenantSettings()
        let type = try Sample.type()
        settings.overrides[type.key, .customer] = Setting(.enabled)
        #expect(
            Sample.decide(Sample.user("u"), type, settings: settings).explanation == [
                "The supplier's setting for Customer Notifications is \"Enabled\".",
                "You did not subscribe, and it is not subscribed by default.",
            ])
    }

    @Test func saysWhen() throws {
        let user = Sample.user("u", choice: Choice(cadence: .daily))
        let lines = Sample.decide(user, try Sample.type(), at: Instant(seconds: 0)).explanation
        #expect(lines.contains("E-mail: put into your digest of 1970-01-01T08:00:00Z."))
        let quiet = try #require(QuietHours.daily(from: 0, to: 60))
        let sleeper = Sample.user("u", schedule: Schedule(zone: .utc, quietHours: quiet))
        let held = Sample.decide(sleeper, try Sample.type(), at: Instant(seconds: 0)).explanation
        #expect(held.contains("E-mail: held back by quiet hours until 1970-01-01T01:00:00Z."))
    }

    @Test func everyDutyAndReasonHasItsSentence() throws {
        #expect(Set(Reason.allCases.map(\.text)).count == Reason.allCases.count)
        #expect(Reason.allCases.allSatisfy { $0.text.hasSuffix(".") })
        let type = try Sample.type(setting: Setting(.mandatoryAtLeastOne))
        for duty in Duty.allCases {
            let decision = decide(
                user: "u", as: .customer, event: EventFacts(type: type), account: Sample.account([Sample.user("u")]),
                settings: TenantSettings(), heldDuty: duty, now: Sample.now)
            #expect(decision.reason == duty.reason)
            #expect(decision.explanation[1].hasPrefix("Mandatory for"))
        }
    }

    @Test func codesAreUniqueAndLowerCase() {
        for reason in Reason.allCases {
            #expect(reason.rawValue.allSatisfy { $0.isLowercase || $0 == "_" || $0 == ":" }, "\(reason)")
        }
    }
}

/// The place of a reason among all of them.
@Suite struct ReasonIndexTests {
    @Test func eachHasItsPlace() {
        #expect(Reason.allCases.map { Int($0.index) } == Array(Reason.allCases.indices))
        // What ``CheckAnswer`` has room for.
        #expect(Reason.allCases.count <= 64)
    }
}
