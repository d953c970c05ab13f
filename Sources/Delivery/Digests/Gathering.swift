internal import Domain
internal import Storage

/// How much digests may gather. A delivery that waits for the word on its message takes some hundred octets.
struct GatheringBounds {
    /// How many deliveries one message may stand for; what is beyond goes out with the next message.
    var message = 10_000
    /// How many are claimed with one statement.
    var slice = 1_000
    /// A tenant that holds so many companions claims on when some of them are settled.
    var tenant = 10_000
    /// The same for all tenants of a worker.
    var worker = 100_000
}

/// Deliveries of one person on one channel that were claimed to go out together.
struct Gathering {
    /// At least one, the oldest first.
    let deliveries: [DeliveryID]

    /// The one that holds the place of all until it is known in whose name they go out.
    var bearer: DeliveryID { deliveries[0] }
}

/// What a claim brought, with all that goes out with it.
struct GatheredClaim {
    /// Those that go out by themselves, the longest due first.
    var singles: [DeliveryID] = []
    /// Those that go out together.
    var gatherings: [Gathering] = []
    /// Those that could not be gathered whole, and are given back as they are.
    var putBack: [Gathering] = []
    /// When the next unclaimed work is due; nil when there is none.
    var nextDue: Instant?

    /// How many places it takes: each message one.
    var places: Int { singles.count + gatherings.count + putBack.count }
    /// How many deliveries were claimed.
    var count: Int { (gatherings + putBack).reduce(singles.count) { $0 + $1.deliveries.count } }
    var isEmpty: Bool { places == 0 }
}

/// What of a claim waits for digests, one group after the other. Pure.
struct GatheringOrder {
    private var waiting: [(id: DeliveryID, place: DigestPlace)]

    /// - Parameter claim: its deliveries are the longest due first, and so are the groups.
    init(_ claim: Claim) {
        waiting = claim.deliveries.compactMap { id in claim.digests[id].map { (id, $0) } }
    }

    /// The next group: those of the claim that go out together, and what to gather around.
    mutating func next() -> (place: DigestPlace, channel: Channel, members: [DeliveryID])? {
        guard let first = waiting.first else { return nil }
        func isMember(_ other: (id: DeliveryID, place: DigestPlace)) -> Bool {
            other.id.channel == first.id.channel && first.place.isTogether(with: other.place)
        }
        let members = waiting.filter(isMember).map(\.id)
        waiting.removeAll(where: isMember)
        return (first.place, first.id.channel, members)
    }
}
