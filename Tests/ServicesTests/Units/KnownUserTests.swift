import CarillonNet
import Domain
import Testing

@testable import Services
@testable import Storage

@Suite struct KnownUserTests {
    static let home = HomeSnapshot(
        version: 7, facts: SideFacts(account: AccountID(unchecked: "acme")), overrides: SettingOverrides(),
        schedule: .standard, providedChannels: .all, caps: [])
    static let noon = MonotonicTime(nanoseconds: 43_200_000_000_000)

    static func snapshot(_ facts: UserFacts) -> UserSnapshot {
        UserSnapshot(
            record: UserRecord(
                id: facts.id, account: AccountID(unchecked: "acme"), displayName: "", status: facts.status,
                isAdmin: facts.isAdmin, isTeamMember: facts.isTeamMember, timeZone: nil, locale: nil,
                contactPoints: [], snoozedUntil: facts.snoozedUntil, times: nil, cadences: [], revision: 1,
                choicesRevision: 1, createdAt: Instant(seconds: 0), updatedAt: Instant(seconds: 0)),
            facts: facts)
    }

    @Test("what was put in comes out: every status, every state of an address on every channel, and what was chosen")
    func packing() throws {
        let home = KnownHome(Self.home, readAt: Self.noon)
        let zone = ZoneRules(name: "Asia/Tokyo", firstOffset: 32_400, changes: [])
        var choices = PerAudience<Choices>.none
        choices.customer = Choices(types: [TypeKey(unchecked: "a.b"): Choice(whole: false)])
        for status in UserFacts.Status.allCases {
            for channel in Channel.allCases {
                for state in AddressState.allCases {
                    for (number, wishes) in [PerAudience<Choices>.none, choices].enumerated() {
                        var addresses = PerChannel(repeating: AddressState.usable)
                        addresses[channel] = state
                        let facts = UserFacts(
                            id: UserID(unchecked: "ann"), status: status, isAdmin: number == 1,
                            isTeamMember: number == 0, addresses: addresses,
                            accessAddresses: number == 0 ? nil : PerChannel(repeating: state), choices: wishes,
                            schedule: number == 0 ? .standard : Schedule(zone: zone, digestMinute: 17),
                            snoozedUntil: number == 0 ? nil : Instant(seconds: 5),
                            recentSends: number == 0
                                ? []
                                : [
                                    RecentSend(
                                        at: Instant(seconds: 4), type: TypeKey(unchecked: "a.b"),
                                        category: CategoryName(unchecked: "A"), channel: .sms)
                                ])
                        let known = KnownUser(Self.snapshot(facts), at: 7, of: home, readAt: Self.noon)
                        #expect(known.facts(facts.id) == facts)
                    }
                }
            }
        }
        #expect(MemoryLayout<KnownUser>.stride == 32)
    }

    @Test("a user holds until the account has a version that this process does not know in full")
    func versions() {
        func next(_ version: Int64) -> HomeSnapshot {
            HomeSnapshot(
                version: version, facts: Self.home.facts, overrides: Self.home.overrides, schedule: .standard,
                providedChannels: .all, caps: [])
        }
        let facts = UserFacts(id: UserID(unchecked: "ann"), addresses: PerChannel(repeating: .usable))
        let home = KnownHome(next(.max - 10), readAt: Self.noon)
        func user(_ version: Int64) -> KnownUser {
            KnownUser(Self.snapshot(facts), at: version, of: home, readAt: Self.noon)
        }
        func take(_ version: Int64, isOwnChange: Bool = false) {
            home.take(next(version), readAt: Self.noon, isOwnChange: isOwnChange, now: Self.noon)
        }
        let first = user(.max - 10)
        #expect(first.holds && !user(.max - 11).holds)
        take(.max - 9, isOwnChange: true)
        #expect(first.holds)
        // One in between is somebody else's.
        take(.max - 7, isOwnChange: true)
        #expect(!first.holds)
        let again = user(.max - 7)
        #expect(again.holds)
        take(.max - 8)
        #expect(again.holds && home.version == .max - 7)
        take(.max - 6)
        #expect(!again.holds)
    }

    @Test("a proof renews what is as it was, and ends what is not")
    func proofs() {
        func at(_ seconds: Int64) -> MonotonicTime { Self.noon.advanced(by: .seconds(seconds)) }
        func version(_ version: Int64) -> HomeSnapshot {
            HomeSnapshot(
                version: version, facts: Self.home.facts, overrides: Self.home.overrides, schedule: .standard,
                providedChannels: .all, caps: [])
        }
        let facts = UserFacts(id: UserID(unchecked: "ann"), addresses: PerChannel(repeating: .usable))
        let home = KnownHome(version(7), readAt: at(0))
        func user(_ version: Int64) -> KnownUser {
            KnownUser(Self.snapshot(facts), at: version, of: home, readAt: at(0))
        }
        #expect(home.prove(7, at: at(9)) == .same && home.provenAt == at(9))
        // An own change that comes behind the proof that has seen it: others are not known, who was changed is.
        #expect(home.prove(8, at: at(10)) == .changed && !user(7).holds)
        home.take(version(7), readAt: at(10), now: at(10))
        #expect(!user(7).holds && home.provenAt < at(0))
        home.take(version(8), readAt: at(10), isOwnChange: true, now: at(11))
        #expect(user(8).holds && !user(7).holds && home.provenAt == at(10))
        // A question that was asked before an own change, and answered behind it, says nothing.
        home.take(version(9), readAt: at(11), isOwnChange: true, now: at(12))
        #expect(home.prove(8, at: at(11)) == .same && user(9).holds && user(8).holds)
        // One that was asked behind it says that the database has lost something.
        #expect(home.prove(8, at: at(13)) == .gone && !user(9).holds)
        #expect(home.prove(nil, at: at(14)) == .gone)
        #expect(user(8).age(at: at(9)) == 9)
    }

    @Test("who is asked for stays, who is not goes with the second turn")
    func aging() {
        let home = KnownHome(Self.home, readAt: Self.noon)
        var users = KnownUsers()
        func id(_ number: Int) -> UserID { UserID(unchecked: "user\(number)") }
        func find(_ number: Int) -> KnownUser? {
            let key = KnownUserTable.Key(id(number))
            // Who is expected is not asked for yet, and need not be there.
            users.expect(key)
            return users.find(key)
        }
        #expect(find(1) == nil)
        for number in 0..<100 {
            let facts = UserFacts(id: id(number), addresses: PerChannel(repeating: .usable))
            users.insert(KnownUser(Self.snapshot(facts), at: 7, of: home, readAt: Self.noon), for: id(number))
        }
        let each = users.octets / 100
        users.age()
        #expect((users.count, users.octets) == (100, 100 * each))
        for number in 0..<10 { #expect(find(number)?.facts(id(number)).id == id(number)) }
        users.age()
        #expect((users.count, users.octets) == (10, 10 * each))
        #expect(find(50) == nil && find(5) != nil)
        users.remove(id(5))
        users.remove(id(6))
        #expect((users.count, users.octets) == (8, 8 * each))
        users.removeAll()
        #expect((users.count, users.octets) == (0, 0))
    }

    @Test("a table has what was put in and not taken out, in any order", arguments: 1...20)
    func table(seed: Int) throws {
        var state = UInt64(seed)
        func pick(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        var table = KnownUserTable()
        var expected: [Int: UInt32] = [:]
        let facts = UserFacts(id: UserID(unchecked: "any"), addresses: PerChannel(repeating: .usable))
        let home = KnownHome(Self.home, readAt: Self.noon)
        for step in 0..<3_000 {
            // It grows, shrinks, and grows again.
            let number = pick(200)
            let key = KnownUserTable.Key(UserID(unchecked: "user\(number)"))
            if pick(step / 1_000 == 1 ? 4 : 2) == 0 {
                let readAt = MonotonicTime(nanoseconds: Int64(step) * 1_000_000_000)
                let old = table.insert(
                    KnownUser(Self.snapshot(facts), at: 7, of: home, readAt: readAt), for: key)
                #expect(old?.age(at: readAt) == expected[number].map { UInt32(step) - $0 })
                expected[number] = UInt32(step)
            } else {
                let readAt = MonotonicTime(nanoseconds: Int64(step) * 1_000_000_000)
                #expect(table.remove(key)?.age(at: readAt) == expected[number].map { UInt32(step) - $0 })
                expected[number] = nil
            }
            #expect(table.count == expected.count)
        }
        for number in 0..<200 {
            let found = table.find(KnownUserTable.Key(UserID(unchecked: "user\(number)")))
            #expect(found?.age(at: MonotonicTime(nanoseconds: 0)) == expected[number].map { UInt32(0) &- $0 })
        }
    }
}
