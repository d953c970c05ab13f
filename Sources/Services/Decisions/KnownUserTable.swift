internal import Domain

/// A hash table of users: open addressing with linear probing, between half and four fifths full.
///
/// The standard library's dictionary is up to three quarters empty, hashes once more what is a hash already, and lies in three places
/// of memory instead of two; with a million users that is what a check waits for.
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
                var (first, second) = (Hasher(), Hasher())
                unsafe first.combine(bytes: UnsafeRawBufferPointer(octets))
                second.combine(true)
                unsafe second.combine(bytes: UnsafeRawBufferPointer(octets))
                return (first.finalize(), second.finalize())
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

    private var keys: ContiguousArray<Key> = []
    private var users: ContiguousArray<KnownUser?> = []
    /// How many users there are.
    private(set) var count = 0

    /// How much memory a place takes for each user, about, in octets: 48 for the key and the user, two thirds full.
    static let placeOctets = 72

    /// A user.
    func find(_ key: Key) -> KnownUser? {
        guard count > 0 else { return nil }
        let place = place(of: key)
        return keys[place] == key ? users[place] : nil
    }

    /// Puts a user in.
    ///
    /// - Returns: whose place it takes.
    @discardableResult mutating func insert(_ user: KnownUser, for key: Key) -> KnownUser? {
        if (count + 1) * 5 > keys.count * 4 { grow() }
        let place = place(of: key)
        let old = users[place]
        keys[place] = key
        users[place] = user
        if old == nil { count += 1 }
        return old
    }

    /// Takes a user out.
    mutating func remove(_ key: Key) -> KnownUser? {
        guard count > 0 else { return nil }
        var gap = place(of: key)
        guard keys[gap] == key, let old = users[gap] else { return nil }
        // Those behind move up, so that every search ends at the first gap.
        var next = gap
        while true {
            next = next + 1 == keys.count ? 0 : next + 1
            guard keys[next] != .none else { break }
            let home = keys[next].home(among: keys.count)
            let isBetween = gap <= next ? gap < home && home <= next : gap < home || home <= next
            if isBetween { continue }
            keys[gap] = keys[next]
            users[gap] = users[next]
            gap = next
        }
        keys[gap] = .none
        users[gap] = nil
        count -= 1
        return old
    }

    /// Where a key is, or else the gap where it belongs. There is one: the table is never full.
    private func place(of key: Key) -> Int {
        var place = key.home(among: keys.count)
        while keys[place] != key, keys[place] != .none { place = place + 1 == keys.count ? 0 : place + 1 }
        return place
    }

    private mutating func grow() {
        var table = KnownUserTable()
        let places = max(8, keys.count + keys.count / 2)
        table.keys = ContiguousArray(repeating: .none, count: places)
        table.users = ContiguousArray(repeating: nil, count: places)
        for (key, user) in zip(keys, users) {
            guard let user else { continue }
            let place = table.place(of: key)
            table.keys[place] = key
            table.users[place] = user
        }
        table.count = count
        self = table
    }
}
