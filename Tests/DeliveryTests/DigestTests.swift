import Channels
import Domain
import Testing

@testable import Delivery
@testable import Storage

/// What is gathered, shown and said of digests: the parts that need neither a database nor a relay.
@Suite struct DigestTests {
    private static let now = Instant(seconds: 1_794_744_000)
    private static let ann = UserID(unchecked: "ann")
    private static let target = SecondLook.Target(address: "ann@x.example", name: "Ann", zone: nil, user: ann)

    private func id(_ number: UInt64, _ channel: Channel = .email) -> DeliveryID {
        DeliveryID(
            notification: NotificationID(UUIDv7(milliseconds: 1_794_744_000_000, randomness: (0, number))),
            channel: channel)
    }

    private func work(
        _ number: UInt64, _ type: NotificationType, reason: Reason = .subscribedByDefault, claims: Int32 = 1,
        dueAt: Instant? = nil
    ) -> DeliveryWork {
        DeliveryWork(
            id: id(number), attempts: 0, claims: claims, expiresAt: nil,
            dueAt: dueAt ?? Self.now.advanced(by: .seconds(Int64(number))), recipient: .user(Self.ann),
            audience: .customer,
            reason: reason, verdict: .digest, channelReason: .digested, messageID: "\(number)@x",
            event: EventRecord(
                id: EventID(UUIDv7(milliseconds: 1, randomness: (0, number))), type: type.key, account: nil, actor: nil,
                addressedUsers: [], object: nil, isObjectSuppressed: false, sourceEvent: nil, context: [],
                sealedContext: nil, publishedBy: "key/k", occurredAt: Self.now,
                notBefore: nil), calledOff: nil)
    }

    private func type(
        _ priority: Priority, isCommercial: Bool = false, where isWanted: (NotificationType) -> Bool = { _ in true }
    ) throws -> NotificationType {
        try #require(
            Catalog.builtIn.types.first {
                $0.isDigestible && $0.priority == priority && $0.isCommercial == isCommercial && isWanted($0)
            })
    }

    // MARK: Showing

    @Test func theMostImportantAndThenTheNewestAreShown() throws {
        let (low, normal, high) = (try type(.low), try type(.normal), try type(.high))
        var digest = Digest(work(1, low), of: low, to: Self.target)
        for number in UInt64(2)...40 { digest.add(work(number, normal), of: normal) }
        for number in UInt64(41)...43 { digest.add(work(number, low), of: low) }
        digest.add(work(44, high), of: high)
        digest.add(work(45, normal, reason: .mandatoryForAll), of: normal)
        digest.add(work(46, high), of: high)
        #expect(digest.items.count == 46)
        let newest = stride(from: UInt64(40), through: 24, by: -1).map { id($0) }
        #expect(digest.shown == [id(45), id(46), id(44)] + newest)
        #expect(digest.shown.count == Digest.shownLimit)
        #expect(digest.hasMandatory && digest.date == Self.now.advanced(by: .seconds(46)))
        digest.remove(id(46))
        #expect(digest.items.count == 45)
        #expect(digest.shown.last == id(23))
    }

    /// What is left out does not speak for what goes out.
    @Test func whatIsLeftSpeaksForItself() throws {
        let (normal, high) = (try type(.normal), try type(.high))
        var digest = Digest(work(1, high, reason: .mandatoryForAll), of: high, to: Self.target)
        digest.add(work(2, normal), of: normal)
        digest.add(work(3, normal), of: normal)
        digest.add(work(4, high), of: high)
        #expect(digest.hasMandatory && digest.messageID == "1@x" && digest.leadType == high.key)
        #expect(digest.kinds.count == 2 && digest.date == Self.now.advanced(by: .seconds(4)))
        digest.remove(id(1))
        #expect(!digest.hasMandatory && digest.messageID == "2@x" && digest.leadType == normal.key)
        #expect(digest.kinds.count == 2)
        digest.remove(id(4))
        #expect(digest.kinds == [Digest.Kind(audience: .customer, type: normal.key)])
        #expect(digest.date == Self.now.advanced(by: .seconds(3)))
    }

    /// What is gathered late is due with the rest; its mail is not dated before it was published.
    @Test func aDigestIsNotOlderThanWhatItTellsOf() throws {
        let type = try type(.normal)
        let early = Self.now.advanced(by: .seconds(-86_400))
        var digest = Digest(work(1, type, dueAt: early), of: type, to: Self.target)
        digest.add(work(2, type, dueAt: early), of: type)
        #expect(digest.date == Self.now)
    }

    /// In whatever order they are read, the first one lends its Message-ID.
    @Test(arguments: [[1, 2, 3], [3, 2, 1], [2, 1, 3]] as [[UInt64]])
    func theOldestIsTheFirst(numbers: [UInt64]) throws {
        let type = try type(.normal)
        var digest = Digest(work(numbers[0], type), of: type, to: Self.target)
        for number in numbers.dropFirst() { digest.add(work(number, type), of: type) }
        #expect(digest.items.map(\.id) == [id(1), id(2), id(3)])
        #expect(digest.messageID == "1@x")
        #expect(digest.kinds == [Digest.Kind(audience: .customer, type: type.key)])
    }

    /// What is commercial goes out by kinds, each with a way to stop it of its own.
    @Test func whatIsCommercialIsNotMixed() throws {
        let plain = try type(.normal)
        let offers = Catalog.builtIn.types.filter { $0.isDigestible && $0.isCommercial }
        #expect(offers.count > 1)
        var judged = JudgedGathering(Gathering(deliveries: (1...6).map { id($0) }))
        let target = SecondLook.Answer.send(Self.target)
        judged.take(target, on: work(1, plain), of: plain)
        judged.take(target, on: work(2, offers[0]), of: offers[0])
        judged.take(target, on: work(3, plain), of: plain)
        judged.take(target, on: work(4, offers[1]), of: offers[1])
        judged.take(.settle(.suppressed(.optedOut)), on: work(5, plain), of: plain)
        judged.take(target, on: work(6, offers[0]), of: offers[0])
        #expect(
            Set(judged.digests.values.map { $0.items.map(\.id) }) == [[id(1), id(3)], [id(2), id(6)], [id(4)]])
        #expect(judged.words.map(\.id) == [id(5)])
        judged.settle(id(4), .failed("unreadable"))
        judged.settle(id(1), .failed("unreadable"))
        #expect(Set(judged.open) == [id(2), id(3), id(6)])
        #expect(judged.words.map(\.id) == [id(5), id(4), id(1)])
    }

    // MARK: Gathering

    @Test func aClaimIsPartedByPersonAndChannel() {
        let bob = UserID(unchecked: "bob")
        func place(_ user: UserID, due: Int64 = 0, tried: Bool = false) -> DigestPlace {
            DigestPlace(user: user, dueAt: Self.now.advanced(by: .seconds(due)), wasTried: tried)
        }
        let digests = [
            id(1): place(Self.ann), id(2): place(bob), id(4): place(Self.ann, due: 9), id(5, .sms): place(Self.ann),
            // Tried at nine, and with it what is due then; what was tried at ten is another message.
            id(6): place(bob, due: 9, tried: true), id(7): place(bob, due: 10, tried: true),
        ]
        let claim = Claim(
            isOwner: true, deliveries: [id(1), id(2), id(3), id(4), id(5, .sms), id(6), id(7)], digests: digests,
            nextDue: nil)
        var order = GatheringOrder(claim)
        var groups: [[DeliveryID]] = []
        while let group = order.next() { groups.append(group.members) }
        #expect(groups == [[id(1), id(4)], [id(2)], [id(5, .sms)], [id(6)], [id(7)]])
    }

    @Test func aMessageTakesOnePlace() {
        var gathered = GatheredClaim()
        #expect(gathered.isEmpty && gathered.places == 0)
        gathered.singles = [id(1)]
        gathered.gatherings = [Gathering(deliveries: (2...100).map { id($0) })]
        gathered.putBack = [Gathering(deliveries: [id(101), id(102)])]
        #expect(gathered.places == 3 && gathered.count == 102)
    }

    // MARK: What follows

    private func after(
        _ outcome: Outcome, attempts: [Int32], expiresIn lives: [Int64?]? = nil
    ) -> [DeliveryResult.Resolution] {
        let items = attempts.enumerated().map { place, attempts in
            Parcel.Item(
                id: id(UInt64(place)), attempts: attempts,
                expiresAt: lives?[place].map { Self.now.advanced(by: .seconds($0)) })
        }
        return Aftermath(policy: .standard(for: .email), now: Self.now, randomness: 0)
            .resolutions(of: outcome, for: items, hasOtherProvider: false)
    }

    private static let busy = Outcome.temporary(.init(.mailboxFull, code: "452 4.2.2"))
    private static let silent = Outcome.unknown(.init(.connectionLost))

    @Test func allOfItIsTriedAgainAtOneTime() {
        let again = DeliveryResult.Resolution.retry(at: Self.now.advanced(by: .seconds(900)))
        #expect(after(Self.busy, attempts: [0, 2, 1]) == [again, again, again])
        #expect(after(Self.silent, attempts: [2, 0]) == [again, again])
        #expect(after(.delivered(.init()), attempts: [0, 9]) == [.delivered, .delivered])
        let failed = DeliveryResult.Resolution.failed("address_rejected")
        #expect(after(.permanent(.init(.addressRejected)), attempts: [0, 9]) == [failed, failed])
    }

    @Test func eachEndsInItsOwnTime() {
        let last = DeliveryResult.Resolution.retry(at: Self.now.advanced(by: .seconds(21_600)))
        #expect(after(Self.busy, attempts: [15, 0]) == [.failed("mailbox_full"), last])
        #expect(after(Self.silent, attempts: [15, 3]) == [.outcomeUnknown, last])
        let soon = DeliveryResult.Resolution.retry(at: Self.now.advanced(by: .seconds(60)))
        #expect(after(Self.busy, attempts: [0, 0, 0], expiresIn: [60, 61, nil]) == [.expired, soon, soon])
        #expect(after(Self.silent, attempts: [0, 0], expiresIn: [60, 61]) == [.outcomeUnknown, soon])
    }
}
