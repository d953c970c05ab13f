/// Chooses the connection of a call among those that are ready. A value, without a look at anything but numbers.
package struct Picker: Sendable {
    /// How connections take turns.
    package enum Policy: Sendable {
        /// One after the other.
        case roundRobin
        /// The one with the fewest open streams; of several, the one whose turn it is.
        case leastStreams
    }

    /// What is known of one connection.
    struct Candidate {
        /// Streams that are open.
        var streams: Int
        /// Streams that the server takes at once.
        var limit: Int
    }

    private let policy: Policy
    private var turn = 0

    /// Makes a picker whose first turn is the first connection's.
    init(_ policy: Policy) {
        self.policy = policy
    }

    /// Picks the place of a connection with room for a stream; `nil` when none has room.
    mutating func pick(count: Int, _ candidate: (Int) -> Candidate) -> Int? {
        guard count > 0 else { return nil }
        var best: (place: Int, streams: Int)?
        for step in 0..<count {
            let place = (turn + step) % count
            let candidate = candidate(place)
            guard candidate.streams < candidate.limit else { continue }
            if let best, best.streams <= candidate.streams { continue }
            best = (place, candidate.streams)
            if policy == .roundRobin { break }
        }
        guard let best else { return nil }
        turn = (best.place + 1) % count
        return best.place
    }
}
