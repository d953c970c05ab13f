/// How often something may happen for each address, of which there are any number: in memory that does not grow, and that
/// nobody can fill.
///
/// Each address has two places, one in either half of a table, that only this process knows (Swift's hashing has a seed of
/// its own in each). It shares them with other addresses, so it has its way as long as one of the two has a token: to be
/// shut out by others, both must be in use by addresses that ask too often. With a hundred of those that happens to one
/// address in 1,600, and with none to nobody.
///
/// An address that was *slowed* for what came from there has a small bucket instead of the usual one for a while. It is never
/// empty for longer than it takes to fill, whatever comes: others who share the address are let in, if not as often.
/// Pure: the time comes from the caller.
struct AddressRates {
    /// How many places each half has; 56 octets each.
    static let width = 4096

    private struct Place {
        var usual: TokenBucket
        var slow: TokenBucket
        var slowUntil = Int64.min

        mutating func take(at now: MonotonicTime) -> Bool {
            now.nanoseconds < slowUntil ? slow.take(at: now) : usual.take(at: now)
        }
    }

    private var first: [Place]
    private var second: [Place]

    /// Makes full buckets.
    ///
    /// - Parameters:
    ///   - burst: how often it may happen at once for one address.
    ///   - perSecond: how often after that.
    ///   - slowPerSecond: how often for an address that was slowed, at once and in each second after that.
    init(burst: Int, perSecond: Int, slowPerSecond: Int) {
        let place = Place(
            usual: TokenBucket(burst: burst, perSecond: perSecond),
            slow: TokenBucket(burst: slowPerSecond, perSecond: slowPerSecond))
        first = Array(repeating: place, count: Self.width)
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

    /// Lets it happen less often for the address until a moment.
    mutating func slow(_ address: PeerAddress, until end: MonotonicTime) {
        let (one, other) = places(of: address)
        first[one].slowUntil = end.nanoseconds
        second[other].slowUntil = end.nanoseconds
    }

    private func places(of address: PeerAddress) -> (Int, Int) {
        var hasher = Hasher()
        hasher.combine(address)
        let hash = UInt(bitPattern: hasher.finalize())
        let width = UInt(Self.width)
        return (Int(hash % width), Int(hash / width % width))
    }
}
