/// How often something may happen for each address, of which there are any number: in memory that does not grow, and that
/// nobody can fill.
///
/// Each address has two buckets, one in either half of a table, at places that only this process knows (Swift's hashing has
/// a seed of its own in each). It shares them with other addresses, so it has its way as long as one of the two has a
/// token: to be shut out by others, both must be in use by addresses that ask too often. With a hundred of those that
/// happens to one address in 1,600, and with none to nobody. Pure: the time comes from the caller.
struct AddressRates {
    /// How many buckets each half has; 24 octets each.
    static let width = 4096

    private var first: [TokenBucket]
    private var second: [TokenBucket]

    /// Makes full buckets.
    ///
    /// - Parameters:
    ///   - burst: how often it may happen at once for one address.
    ///   - perSecond: how often after that.
    init(burst: Int, perSecond: Int) {
        first = Array(repeating: TokenBucket(burst: burst, perSecond: perSecond), count: Self.width)
        second = first
    }

    /// Counts one for the address; false when it is too much.
    mutating func take(_ address: PeerAddress, at now: MonotonicTime) -> Bool {
        let (one, other) = places(of: address)
        // Both pay, or whoever has two fresh buckets would have twice as much.
        let hasFirst = first[one].take(at: now)
        let hasSecond = second[other].take(at: now)
        return hasFirst || hasSecond
    }

    /// Counts many for the address, whether it has them or not.
    mutating func charge(_ count: Int, to address: PeerAddress, at now: MonotonicTime) {
        let (one, other) = places(of: address)
        first[one].charge(count, at: now)
        second[other].charge(count, at: now)
    }

    private func places(of address: PeerAddress) -> (Int, Int) {
        var hasher = Hasher()
        hasher.combine(address)
        let hash = UInt(bitPattern: hasher.finalize())
        let width = UInt(Self.width)
        return (Int(hash % width), Int(hash / width % width))
    }
}
