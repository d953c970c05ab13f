import Testing

@testable import Domain

@Suite struct IdentifierTests {
    @Test(arguments: ["abc", "a0b", "northwind", "a" + String(repeating: "1", count: 24)])
    func tenantIsTaken(_ text: String) { #expect(TenantID(text)?.rawValue == text) }

    @Test(arguments: [
        "", "ab", "1ab", "Abc", "a_b", "a-b", "abc\0", "abc;drop", "ä bc", "a" + String(repeating: "1", count: 25),
    ])
    func tenantIsRefused(_ text: String) { #expect(TenantID(text) == nil) }

    @Test(arguments: ["u", "Anna.B_c@d:e+f-9", String(repeating: "x", count: 64)])
    func referenceIsTaken(_ text: String) {
        #expect(UserID(text)?.rawValue == text)
        #expect(AccountID(text)?.rawValue == text)
        #expect(ProviderID(text)?.rawValue == text)
    }

    @Test(arguments: ["", "a b", "a/b", "a\n", "ü", "a\0", String(repeating: "x", count: 65)])
    func referenceIsRefused(_ text: String) { #expect(UserID(text) == nil) }

    @Test(arguments: ["a.b", "invoice.created", "invoice.due_in_3_days", "a.b.c", "3d.secure"])
    func typeKeyIsTaken(_ text: String) { #expect(TypeKey(text) != nil) }

    @Test(arguments: ["", "a", "abc", ".ab", "ab.", "a..b", "a._b", "A.b", "a.b c"])
    func typeKeyIsRefused(_ text: String) { #expect(TypeKey(text) == nil) }

    @Test func categoryIsPrintable() {
        #expect(CategoryName("Contracts, subscriptions and pricing") != nil)
        for text in ["", " a", "a ", "a\tb", "ä"] { #expect(CategoryName(text) == nil) }
    }
}

@Suite struct UUIDv7Tests {
    @Test func carriesTimeVersionAndVariant() throws {
        let id = UUIDv7(milliseconds: 0x0198_1f0e_5c00, randomness: (.max, .max))
        #expect(id.description == "01981f0e-5c00-7fff-bfff-ffffffffffff")
        #expect(id.milliseconds == 0x0198_1f0e_5c00)
        #expect(UUIDv7(id.description) == id)
        #expect(UUIDv7(id.description.uppercased()) == id)
        #expect(UUIDv7(bytes: id.bytes) == id)
        #expect(id.bytes.count == 16)
        #expect(id.bytes.prefix(3) == [0x01, 0x98, 0x1f])
    }

    @Test(arguments: [
        "", "01981f0e-5c00-4fff-bfff-ffffffffffff", "01981f0e-5c00-7fff-3fff-ffffffffffff",
        "01981f0e5c007fffbfffffffffffffff", "01981f0e-5c00-7fff-bfff-fffffffffff",
        "01981f0e-5c00-7fff-bfff-fffffffffffff", "01981f0e-5c00-7fff-bfff-fffffffffffg",
        "01981f0e_5c00-7fff-bfff-ffffffffffff",
    ])
    func otherTextIsRefused(_ text: String) { #expect(UUIDv7(text) == nil) }

    @Test func ordersByTime() {
        let early = UUIDv7(milliseconds: 1_000, randomness: (.max, .max))
        let late = UUIDv7(milliseconds: 1_001, randomness: (0, 0))
        #expect(early < late)
        #expect(EventID(early) < EventID(late))
    }

    @Test func monthsBoundTheirIdentifiers() throws {
        let march = try #require(Month(year: 2026, month: 3))
        #expect(march.start.description == "2026-03-01T00:00:00Z")
        #expect(march.description == "202603")
        #expect(try #require(Month(year: 2025, month: 12)).next.description == "202601")
        #expect(march.adding(months: -15).description == "202412")

        let first = UInt64(march.start.microseconds / 1_000)
        let last = UInt64(march.next.start.microseconds / 1_000) - 1
        let bounds = UUIDv7.lowerBound(of: march)..<UUIDv7.lowerBound(of: march.next)
        for milliseconds in [first, last] {
            for random: UInt64 in [0, .max] {
                let id = UUIDv7(milliseconds: milliseconds, randomness: (random, random))
                #expect(bounds.contains(id))
                #expect(id.month == march)
            }
        }
        #expect(!bounds.contains(UUIDv7(milliseconds: first - 1, randomness: (.max, .max))))
        #expect(!bounds.contains(UUIDv7(milliseconds: last + 1, randomness: (0, 0))))
    }
}

@Suite struct SettingTests {
    @Test(arguments: Preset.allCases, [true, false])
    func presetsAreWhatTheyShowAs(_ preset: Preset, othersSubscribed: Bool) {
        #expect(Setting(preset, othersSubscribed: othersSubscribed).preset == preset)
    }

    @Test func titles() {
        #expect(
            Preset.allCases.map(\.title) == [
                "Disabled", "Enabled", "Enabled & Subscribed by Default", "Enabled & Mandatory: At Least One User",
                "Enabled & Mandatory: All Users",
            ])
    }

    @Test func equalMeaningIsEqualValue() {
        #expect(Setting(enabled: false, defaultSubscribed: true, mandatory: .all) == Setting(.disabled))
        #expect(Setting(enabled: true, defaultSubscribed: false, mandatory: .all) == Setting(.mandatoryAll))
        #expect(Setting(.mandatoryAtLeastOne, othersSubscribed: true) != Setting(.mandatoryAtLeastOne))
    }
}

@Suite struct ChannelSetTests {
    @Test func holdsWhatWasPutIn() {
        let set = ChannelSet([Channel.sms, .email])
        #expect(set.channels == [.email, .sms])
        #expect(set.contains(Channel.sms))
        #expect(!set.contains(Channel.push))
        #expect(ChannelSet.all.channels == Channel.allCases)
        #expect(Set(Channel.allCases.map(\.index)) == Set(0..<5))
    }

    @Test func perChannelKeepsEach() {
        var values = PerChannel(repeating: 0)
        for channel in Channel.allCases { values[channel] = channel.index + 1 }
        #expect(Channel.allCases.map { values[$0] } == [1, 2, 3, 4, 5])
    }
}
