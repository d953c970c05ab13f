import Domain
import Postgres
import Testing

@testable import Storage

/// What users say of when and how often messages are to come, and what accounts choose for their people.
@Suite struct PersonalSettingsTests {
    private static let acme = AccountID(unchecked: "ACME")
    private static let ann = UserID(unchecked: "ann")
    private static let invoice = ChoiceScope.type(TypeKey(unchecked: "invoice.created"))
    private static let category = CategoryName(unchecked: "Users and accounts")

    private func tenant(_ fixture: Fixture) async throws -> TenantStore {
        let tenant = try await fixture.tenant()
        _ = try await tenant.upsertAccount(
            AccountWrite(id: Self.acme, timeZone: "Asia/Tokyo"), stamp: fixture.stamp(), now: fixture.now)
        _ = try await tenant.upsertUser(
            UserWrite(id: Self.ann, account: Self.acme), stamp: fixture.stamp(), now: fixture.now)
        return tenant
    }

    private func update(
        _ tenant: TenantStore, _ fixture: Fixture, revision: Int64? = nil, _ change: (inout PersonalChange) -> Void
    ) async throws -> PreferencesUpdate {
        var personal = PersonalChange()
        change(&personal)
        return try #require(
            try await tenant.updatePreferences(
                of: Self.ann, [], personal, expectedRevision: revision, stamp: fixture.stamp(), .at(fixture.now)))
    }

    private func schedule(_ update: PreferencesUpdate) throws -> Schedule {
        try #require(update.user.facts.schedule)
    }

    @Test func timesAreStoredOneByOneAndSeenAtOnce() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let night = try #require(QuietHours.Window(.monday, from: 1_320, to: 420))
            let office = try #require(QuietHours.Window(.tuesday, from: 540, to: 1_020))
            let end = Instant(microseconds: fixture.now.microseconds + 86_400_000_123)
            var last = try await update(tenant, fixture) {
                $0.quietWindows = [night]
                $0.digestMinute = .some(600)
                $0.snoozedUntil = .some(end)
            }
            #expect(try schedule(last).quietHours == QuietHours([night]))
            #expect(try schedule(last).digestMinute == 600)
            #expect(try schedule(last).zone.name == "Asia/Tokyo")
            #expect(last.user.facts.snoozedUntil == end)

            last = try await update(tenant, fixture, revision: last.stored.revision) {
                $0.sendWindows = [office]
                $0.digestDay = .some(.friday)
                $0.timeZone = .some("Europe/Berlin")
                $0.locale = .some("de-AT")
            }
            let record = last.user.record
            #expect(
                record.times
                    == DeliveryTimes(
                        quietWindows: [night], sendWindows: [office], digestMinute: 600, digestDay: .friday))
            #expect(record.timeZone == "Europe/Berlin" && record.locale == "de-AT" && record.snoozedUntil == end)
            #expect(record.revision == 2)
            #expect(try schedule(last).zone.name == "Europe/Berlin")
            #expect(try await tenant.users([Self.ann])[Self.ann] == record)
            #expect(try await tenant.users(of: Self.acme, size: 9).elements == [record])
            // Whoever changes the user's name takes none of it away.
            let named = UserWrite(id: Self.ann, account: Self.acme, displayName: "Ann")
            let kept = try await tenant.upsertUser(
                named, fields: [.displayName], stamp: fixture.stamp(), now: fixture.now)
            #expect(kept.record.times == record.times)

            last = try await update(tenant, fixture) {
                $0.quietWindows = []
                $0.sendWindows = []
                $0.digestMinute = .some(nil)
                $0.digestDay = .some(nil)
                $0.snoozedUntil = .some(nil)
                $0.timeZone = .some(nil)
            }
            let bare = last.user.record
            #expect(bare.times == nil && bare.snoozedUntil == nil && bare.timeZone == nil && bare.locale == "de-AT")
            #expect(try schedule(last) == Schedule(zone: try schedule(last).zone))
        }
    }

    @Test func cadencesBelongToChoices() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            var last = try await update(tenant, fixture) {
                $0.cadences = [
                    .init(audience: .customer, scope: Self.invoice, cadence: .daily),
                    .init(audience: .customer, scope: .category(Self.category), cadence: .weekly),
                    .init(audience: .customer, scope: .all, cadence: .immediately),
                ]
            }
            #expect(last.stored.cadences.count == 3)
            #expect(try await tenant.choices(of: Self.ann)?.stored == last.stored)
            let choices = last.user.facts.choices.customer
            #expect(choices[TypeKey(unchecked: "invoice.created")] == Choice(cadence: .daily))
            #expect(choices[Self.category] == Choice(cadence: .weekly))
            #expect(choices.all == Choice(cadence: .immediately))
            last = try await update(tenant, fixture) {
                $0.cadences = [
                    .init(audience: .customer, scope: Self.invoice, cadence: nil),
                    .init(audience: .customer, scope: .all, cadence: .daily),
                ]
            }
            #expect(last.stored.cadences.map(\.cadence) == [.daily, .weekly])
        }
    }

    @Test func theAuditTellsWhatChangesAndNothingElse() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let known = try await tenant.audit(size: 50).elements.count
            for minute in [600, 600, nil] as [Int?] {
                _ = try await update(tenant, fixture) {
                    $0.digestMinute = .some(minute)
                    $0.cadences = [.init(audience: .customer, scope: .all, cadence: .daily)]
                }
            }
            let lines = try await tenant.audit(size: 50).elements.reversed().dropFirst(known)
            #expect(
                lines.map(\.after) == [
                    #"[["digest_minute", 600], ["customer/all/", "daily"]]"#, #"[["digest_minute", null]]"#,
                ])
            #expect(lines.map(\.before) == [nil, #"[["digest_minute", 600]]"#])
            #expect(lines.allSatisfy { $0.action == "preference.update" && $0.object == "user/ann" })
        }
    }

    @Test func accountsChooseForThoseWhoChooseNothing() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let whole = DefaultChoice(Self.invoice, .isOn(false, nil))
            let mail = DefaultChoice(.category(Self.category), .isOn(true, .email))
            let rhythm = DefaultChoice(.all, .cadence(.weekly))
            let version = try await tenant.factsVersions(of: [Self.acme]).versions[Self.acme]
            let record = try #require(
                try await tenant.updateDefaults(
                    of: Self.acme, [whole, mail, rhythm].map { DefaultChange($0.place, $0) }, stamp: fixture.stamp(),
                    now: fixture.now))
            #expect(Set(record.defaults) == [whole, mail, rhythm])
            let facts = try #require(try await tenant.facts(of: [Self.acme], .utc)[Self.acme])
            #expect(facts.version == version.map { $0 + 1 })
            let defaults = facts.directory.side.defaults
            #expect(defaults[TypeKey(unchecked: "invoice.created")] == Choice(whole: false))
            #expect(defaults[Self.category] == Choice(channelsOn: ChannelSet(.email)))
            #expect(defaults.all == Choice(cadence: .weekly))

            let stale = try await storageError { () async throws(StorageError) in
                try await tenant.updateDefaults(
                    of: Self.acme, [DefaultChange(whole.place, nil)], expectedRevision: record.revision - 1,
                    stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(stale.code == .revisionMismatch)
            let left = try #require(
                try await tenant.updateDefaults(
                    of: Self.acme, [whole, mail].map { DefaultChange($0.place, nil) },
                    expectedRevision: record.revision, stamp: fixture.stamp(), now: fixture.now))
            #expect(left.defaults == [rhythm])
            let audit = try await tenant.audit(size: 1).elements
            #expect(audit.first?.action == "account.defaults")
            #expect(audit.first?.before?.contains("type//invoice.created") == true)
            let nobody = AccountID(unchecked: "nobody")
            #expect(
                try await tenant.updateDefaults(
                    of: nobody, [DefaultChange(whole.place, whole)], stamp: fixture.stamp(), now: fixture.now) == nil)
        }
    }

    @Test func mandatoryTypesKeepTheChannelsOfTheirSetting() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let setting = Setting(
                enabled: true, defaultSubscribed: true, mandatory: .all,
                mandatoryChannels: [ChannelSet(.email), ChannelSet(.sms)])
            let stored = StoredSetting(
                type: TypeKey(unchecked: "invoice.created"), audience: .customer, setting: setting)
            try await tenant.putSettings([stored], stamp: fixture.stamp(), now: fixture.now)
            #expect(try await tenant.storedSettings() == [stored])
            let facts = try #require(try await tenant.facts(of: [nil], .utc)[AccountID?.none])
            #expect(facts.overrides[stored.type, .customer] == setting)
        }
    }
}
