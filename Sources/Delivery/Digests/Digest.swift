internal import Domain
internal import Storage

/// What is told to one person in one message. Pure.
struct Digest {
    /// How many deliveries a message shows; it counts all of them.
    static let shownLimit = 20

    /// What a message of one kind is stopped by.
    struct Kind: Hashable {
        let audience: Audience
        let type: TypeKey
    }

    /// One delivery in it: as little as thousands of them may take.
    struct Item {
        let sent: Parcel.Item
        let claims: Int32
        /// 0 is shown first, and cannot be turned off.
        let rank: UInt8
        let kind: Kind
        let dueAt: Instant
        /// What its attempts carry; nil if it has none.
        let messageID: String?

        var id: DeliveryID { sent.id }
        /// When it was published.
        var publishedAt: Instant { Instant(milliseconds: Int64(id.notification.value.milliseconds)) }
    }

    let target: SecondLook.Target
    /// The deliveries, the oldest first.
    private(set) var items: [Item] = []

    // What follows is said by the deliveries that are in it, so that one that is left out again has no say.

    /// What it tells of.
    var kinds: Set<Kind> { Set(items.lazy.map(\.kind)) }
    /// Whether some of it cannot be turned off.
    var hasMandatory: Bool { items.contains { $0.rank == 0 } }
    /// When the last of it was due, or was published: all that is gathered is due with the first (``Storage/TenantStore``), but no mail is
    /// older than what it tells of.
    var date: Instant { items.reduce(Instant(microseconds: 0)) { max($0, $1.dueAt, $1.publishedAt) } }
    /// What each attempt carries: the Message-ID of the first delivery; nil if that has none.
    var messageID: String? { items.first?.messageID }
    /// The type of the first delivery, as which caps count it; nil of none.
    var leadType: TypeKey? { items.first?.kind.type }

    /// Begins with one delivery.
    init(_ delivery: DeliveryWork, of type: NotificationType, to target: SecondLook.Target) {
        self.target = target
        add(delivery, of: type)
    }

    /// Takes one more delivery, in any order.
    mutating func add(_ delivery: DeliveryWork, of type: NotificationType) {
        let item = Item(
            sent: Parcel.Item(delivery), claims: delivery.claims,
            rank: Self.rank(type, isMandatory: delivery.reason.isMandatory),
            kind: Kind(audience: delivery.audience, type: delivery.event.type), dueAt: delivery.dueAt,
            messageID: delivery.messageID)
        // Nearly always the last one, as they are read in their order.
        let place = (items.lastIndex { $0.id.notification < item.id.notification } ?? -1) + 1
        items.insert(item, at: place)
    }

    /// Leaves one out that cannot be told of.
    mutating func remove(_ id: DeliveryID) {
        items.removeAll { $0.id == id }
    }

    /// Those that are shown, the first one first: what nobody may miss before what is urgent, and that before the rest; of the
    /// same importance the newest, since a digest is read for what is new.
    var shown: [DeliveryID] {
        var best: [Item] = []
        // From the newest on, each behind those that are as important: thousands need not be sorted for twenty.
        for item in items.reversed() where best.count < Self.shownLimit || item.rank < best[best.count - 1].rank {
            best.insert(item, at: best.firstIndex { $0.rank > item.rank } ?? best.count)
            if best.count > Self.shownLimit { best.removeLast() }
        }
        return best.map(\.id)
    }

    private static func rank(_ type: NotificationType, isMandatory: Bool) -> UInt8 {
        if isMandatory { return 0 }
        switch type.priority {
        case .critical, .high: return 1
        case .normal: return 2
        case .low: return 3
        }
    }
}

/// What the second look said of everything in a gathering. Pure.
struct JudgedGathering {
    let gathering: Gathering
    /// What goes out: all in one digest, but for what is commercial. That needs an offer to stop it with one click, which says for one
    /// kind what it stops, and is not mixed with what a business relation asks for; so each such kind is a message of its own.
    private(set) var digests: [Digest.Kind?: Digest] = [:]
    /// What is not sent now.
    private(set) var words: [(id: DeliveryID, resolution: DeliveryResult.Resolution)] = []

    init(_ gathering: Gathering) {
        self.gathering = gathering
    }

    /// Takes what was said of one delivery.
    ///
    /// - Parameter type: its type; nil when that is in no catalog any more.
    mutating func take(_ answer: SecondLook.Answer, on delivery: DeliveryWork, of type: NotificationType?) {
        switch (answer, type) {
        case (.settle(let resolution), _): words.append((delivery.id, resolution))
        // Nothing that goes into an inbox waits for a digest.
        case (.place, _): words.append((delivery.id, .suppressed(.channelUnavailable)))
        case (.send, nil): words.append((delivery.id, .suppressed(.typeDisabled)))
        case (.send(let target), .some(let type)):
            let kind =
                type.isCommercial ? Digest.Kind(audience: delivery.audience, type: delivery.event.type) : nil
            if digests[kind] == nil {
                digests[kind] = Digest(delivery, of: type, to: target)
            } else {
                digests[kind]?.add(delivery, of: type)
            }
        }
    }

    /// Leaves one out of what goes out.
    mutating func settle(_ id: DeliveryID, _ resolution: DeliveryResult.Resolution) {
        for kind in digests.keys {
            digests[kind]?.remove(id)
            if digests[kind]?.items.isEmpty == true { digests[kind] = nil }
        }
        words.append((id, resolution))
    }

    /// All on which there is no word yet.
    var open: [DeliveryID] { digests.values.flatMap { $0.items.map(\.id) } }
}
