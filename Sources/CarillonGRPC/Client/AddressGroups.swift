internal import CarillonNet

/// Which addresses of a name are used. Addresses of one family are replicas, and all of them are; the families are ways to the
/// same replicas, and the first way that works is taken (RFC 8305, with groups instead of single addresses).
///
/// States: racing (the first so many groups are tried) → settled on the group that connected first → racing with all
/// groups when every address of that group has failed. A value: its owner keeps the time.
struct AddressGroups: Sendable {
    private var groups: [[NetworkAddress]] = []
    private var racing = 0
    private var settled: Int?

    /// No addresses.
    init() {}

    /// The addresses of a name in the system's order of preference.
    init(_ addresses: [NetworkAddress]) {
        for address in addresses {
            if let index = groups.firstIndex(where: { $0[0].isIPv6 == address.isIPv6 }) {
                groups[index].append(address)
            } else {
                groups.append([address])
            }
        }
        racing = min(1, groups.count)
    }

    /// The addresses to be connected to.
    var active: [NetworkAddress] {
        settled.map { groups[$0] } ?? groups[..<racing].flatMap { $0 }
    }

    /// Whether there are addresses that are not tried yet.
    var canWiden: Bool { settled == nil && racing < groups.count }

    /// The first groups take their time, or have failed: the next one is tried as well.
    mutating func widen() {
        guard canWiden else { return }
        racing += 1
    }

    /// An address has connected: its group is the way.
    mutating func connected(_ address: NetworkAddress) {
        guard settled == nil, let index = groups.firstIndex(where: { $0.contains(address) }) else { return }
        settled = index
    }

    /// Every address in use has failed: the others are tried as well.
    ///
    /// - Returns: whether there are any.
    mutating func failed() -> Bool {
        guard settled != nil || canWiden else { return false }
        let before = active.count
        if settled != nil {
            settled = nil
            racing = groups.count
        } else {
            widen()
        }
        return active.count > before
    }

    /// Takes newer addresses of the same name, and keeps to the family that works if they still have it.
    mutating func update(_ addresses: [NetworkAddress]) {
        let family = settled.map { groups[$0][0].isIPv6 }
        var new = AddressGroups(addresses)
        new.settled = family.flatMap { family in new.groups.firstIndex { $0[0].isIPv6 == family } }
        if settled == nil { new.racing = min(max(racing, 1), new.groups.count) }
        self = new
    }
}
