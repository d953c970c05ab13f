internal import Domain

/// The users of one tenant in memory, by id.
///
/// Second chance: who was asked for is young, who was not since memory was last cleared up is old, and who was not since the time before
/// goes.
///
/// Confined to its loop.
struct KnownUsers {
    /// A keyed hash of an id (SipHash, by the process' own key): 128 bits, so that no two ids have the same in the lifetime of the
    /// universe, and users with long ids take no more memory than others.
    private struct Key: Hashable {
        let high: Int
        let low: Int

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

        func hash(into hasher: inout Hasher) { hasher.combine(low) }
    }

    private var young: [Key: KnownUser] = [:]
    private var old: [Key: KnownUser] = [:]
    private var youngOctets = 0
    private var oldOctets = 0

    /// How many there are at the most: some may be counted twice.
    var count: Int { young.count + old.count }

    /// How much memory they take, about, in octets.
    var octets: Int { youngOctets + oldOctets }

    /// A user, who is young again.
    mutating func find(_ id: UserID) -> KnownUser? {
        let key = Key(id)
        if let user = young[key] { return user }
        guard !old.isEmpty, let user = old.removeValue(forKey: key) else { return nil }
        oldOctets -= user.octets
        young[key] = user
        youngOctets += user.octets
        return user
    }

    /// Puts a user in, in place of what was known.
    mutating func insert(_ user: KnownUser, for id: UserID) {
        remove(id)
        young[Key(id)] = user
        youngOctets += user.octets
    }

    /// Lets go of a user.
    mutating func remove(_ id: UserID) {
        let key = Key(id)
        if let user = young.removeValue(forKey: key) { youngOctets -= user.octets }
        if !old.isEmpty, let user = old.removeValue(forKey: key) { oldOctets -= user.octets }
    }

    /// Lets go of those who were not asked for since the time before the last.
    mutating func age() {
        (old, oldOctets) = (young, youngOctets)
        (young, youngOctets) = ([:], 0)
    }

    /// Lets go of all.
    mutating func removeAll() {
        self = KnownUsers()
    }
}
