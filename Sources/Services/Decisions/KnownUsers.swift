internal import Domain

/// The users of one tenant in memory, by id.
///
/// Second chance: who was asked for is young, who was not since memory was last cleared up is old, and who was not since the time before
/// goes.
///
/// Confined to its loop.
struct KnownUsers {
    private typealias Key = KnownUserTable.Key

    private var young = KnownUserTable()
    private var old = KnownUserTable()
    private var youngOctets = 0
    private var oldOctets = 0

    /// How many there are.
    var count: Int { young.count + old.count }

    /// How much memory they take, about, in octets.
    var octets: Int { youngOctets + oldOctets }

    /// Says that a user will be asked for in a moment.
    func expect(_ key: KnownUserTable.Key) { young.expect(key) }

    /// A user, who is young again.
    ///
    /// - Parameter key: that of the user's id.
    mutating func find(_ key: KnownUserTable.Key) -> KnownUser? {
        if let user = young.find(key) { return user }
        guard let user = old.remove(key) else { return nil }
        oldOctets -= user.octets
        // Or the places of those who have gone back would stay.
        if old.count == 0 { old = KnownUserTable() }
        young.insert(user, for: key)
        youngOctets += user.octets
        return user
    }

    /// Puts a user in, in place of what was known.
    mutating func insert(_ user: KnownUser, for id: UserID) {
        let key = Key(id)
        if let known = old.remove(key) { oldOctets -= known.octets }
        if let known = young.insert(user, for: key) { youngOctets -= known.octets }
        youngOctets += user.octets
    }

    /// Lets go of a user.
    mutating func remove(_ id: UserID) {
        let key = Key(id)
        if let user = young.remove(key) { youngOctets -= user.octets }
        if let user = old.remove(key) { oldOctets -= user.octets }
    }

    /// Lets go of those who were not asked for since the time before the last.
    mutating func age() {
        (old, oldOctets) = (young, youngOctets)
        (young, youngOctets) = (KnownUserTable(), 0)
    }

    /// Lets go of all.
    mutating func removeAll() {
        self = KnownUsers()
    }
}
