/// What somebody says of an address at some time.
package struct AddressNews: Hashable, Sendable {
    /// What is said.
    package enum Word: Hashable, Sendable {
        /// It must not be written to, for one of the reasons of ``AddressState/byStrength``.
        case suppressed(AddressState)
        /// Its owner wants to hear again: the owner's STOP is taken back, and nothing else.
        case started
    }

    /// Of which address.
    package let address: Address
    /// What is said of it.
    package let word: Word
    /// When it happened.
    package let at: Instant

    /// Describes what is said.
    package init(_ address: Address, _ word: Word, at: Instant) {
        self.address = address
        self.word = word
        self.at = at
    }
}

extension AddressState {
    /// The states in which nobody writes to an address, whoever has it: a later one in this list takes the place of an earlier one
    /// and not the other way round. What the owner said counts for more than what the supplier said, and that for more than what was
    /// found out by trying: so nothing makes a STOP be forgotten.
    package static let byStrength: [AddressState] = [.tokenGone, .hardBounced, .blocked, .complained, .stopped]

    /// The state's place in ``byStrength``; nil for a state of one user's address only.
    package var strength: Int? { Self.byStrength.firstIndex(of: self) }
}

/// News of many addresses, put into an order in which they can be stored many at once.
///
/// Of each address what happened first is stored first, and of several reasons against it the strongest. A START splits what is said
/// of its number: three rounds suffice for any number of news, since of several STARTs only the last one counts.
package struct AddressRounds: Sendable {
    /// News that were given, by their places, before the last START of their address, or where there is none.
    package private(set) var first: [Int] = []
    /// The last START of each number.
    package private(set) var starts: [Int] = []
    /// What was said behind the last START.
    package private(set) var last: [Int] = []

    /// Puts news in order. In each round there is at most one of an address.
    package init(_ news: [AddressNews?]) {
        var places: [Address: [Int]] = [:]
        for (place, one) in news.enumerated() {
            if let one { places[one.address, default: []].append(place) }
        }
        for var story in places.values {
            // What happened at the same time is taken in the order in which it was told.
            story.sort { (news[$0]?.at.microseconds ?? 0, $0) < (news[$1]?.at.microseconds ?? 0, $1) }
            let start = story.lastIndex { news[$0]?.word == .started }
            if let start { starts.append(story[start]) }
            let before = start.map { story[..<$0] } ?? story[...]
            if let strongest = Self.strongest(before, news) { first.append(strongest) }
            if let start, let strongest = Self.strongest(story[(start + 1)...], news) { last.append(strongest) }
        }
        first.sort()
        starts.sort()
        last.sort()
    }

    /// The strongest reason; the first of several.
    private static func strongest(_ places: ArraySlice<Int>, _ news: [AddressNews?]) -> Int? {
        var best: (place: Int, strength: Int)?
        for place in places {
            guard case .suppressed(let state) = news[place]?.word, let strength = state.strength else { continue }
            if let best, best.strength >= strength { continue }
            best = (place, strength)
        }
        return best?.place
    }
}
