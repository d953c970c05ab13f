internal import CarillonNet
internal import Domain

/// A hash table of users: open addressing with linear probing, between two thirds and four fifths full.
///
/// The standard library's dictionary is up to three quarters empty, hashes once more what is a hash already, and lies in three places
/// of memory instead of one; with a million users that is what a check waits for.
struct KnownUserTable {
    /// A keyed hash of an id (SipHash, by the process' own key): 128 bits, so that no two ids have the same in the lifetime of the
    /// universe, and users with long ids take no more memory than others.
    struct Key: Equatable {
        private let high: Int
        private let low: Int

        init(_ id: UserID) {
            var text = id.rawValue
            // Safe because the octets are not kept beyond the closure.
            (high, low) = text.withUTF8 { octets in
                var hasher = Hasher()
                unsafe hasher.combine(bytes: UnsafeRawBufferPointer(octets))
                return hasher.finalizeTwice()
            }
        }

        private init(high: Int, low: Int) {
            self.high = high
            self.low = low
        }

        /// The key of a place that nobody has; an id has it as likely as it has another's.
        fileprivate static let none = Key(high: 0, low: 0)

        /// Where among so many places the search for it begins.
        fileprivate func home(among count: Int) -> Int {
            Int(UInt64(bitPattern: Int64(low)).multipliedFullWidth(by: UInt64(count)).high)
        }
    }

    /// A user and the key beside it, so that a search that finds the one has the other in the same place of memory.
    private struct Place {
        var key: Key
        var user: KnownUser?

        static var empty: Place { Place(key: .none, user: nil) }
    }

    private var places: ContiguousArray<Place> = []
    /// How many users there are.
    private(set) var count = 0

    /// How much memory a place takes for each user, about, in octets: 48 for the key and the user, seven tenths full.
    static let placeOctets = 68

    /// Fetches the place where the search for a key will begin, without waiting for it.
    func expect(_ key: Key) {
        guard count > 0 else { return }
        let place = key.home(among: places.count)
        // Safe because nothing is read.
        unsafe places.withUnsafeBufferPointer { places in
            if let first = places.baseAddress { unsafe ColdMemory.fetch(UnsafeRawPointer(first + place)) }
        }
    }

    /// A user.
    func find(_ key: Key) -> KnownUser? {
        guard count > 0 else { return nil }
        let place = place(of: key)
        return places[place].user
    }

    /// Puts a user in.
    ///
    /// - Returns: whose place it takes.
    @discardableResult mutating func insert(_ user: KnownUser, for key: Key) -> KnownUser? {
        if (count + 1) * 5 > places.count * 4 { grow() }
        let place = place(of: key)
        let old = places[place].user
        places[place] = Place(key: key, user: user)
        if old == nil { count += 1 }
        return old
    }

    /// Takes a user out.
    mutating func remove(_ key: Key) -> KnownUser? {
        guard count > 0 else { return nil }
        var gap = place(of: key)
        guard let old = places[gap].user else { return nil }
        // Those behind move up, so that every search ends at the first gap.
        var next = gap
        while true {
            next = next + 1 == places.count ? 0 : next + 1
            guard places[next].key != .none else { break }
            let home = places[next].key.home(among: places.count)
            let isBetween = gap <= next ? gap < home && home <= next : gap < home || home <= next
            if isBetween { continue }
            places[gap] = places[next]
            gap = next
        }
        places[gap] = .empty
        count -= 1
        return old
    }

    /// Where a key is, or else the gap where it belongs. There is one: the table is never full.
    private func place(of key: Key) -> Int {
        var place = key.home(among: places.count)
        while places[place].key != key, places[place].key != .none { place = place + 1 == places.count ? 0 : place + 1 }
        return place
    }

    private mutating func grow() {
        var table = KnownUserTable()
        let room = max(8, places.count + places.count / 4)
        table.places = ContiguousArray(repeating: .empty, count: room)
        for place in places where place.user != nil { table.places[table.place(of: place.key)] = place }
        table.count = count
        self = table
    }
}
