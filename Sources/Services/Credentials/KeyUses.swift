internal import Domain

/// When keys were used last, as one loop has seen it since it was asked for that. Of the calls with a key one in ten seconds is noted.
struct KeyUses {
    private let limit: Int
    private var times: [String: Instant] = [:]

    /// - Parameter limit: the most keys; what does not fit is noted another time.
    init(limit: Int) {
        self.limit = limit
    }

    /// Notes a use.
    mutating func note(_ key: String, at now: Instant) {
        guard times.count < limit || times[key] != nil else { return }
        times[key] = now
    }

    /// Everything that was noted, which is forgotten here.
    mutating func take() -> [String: Instant] {
        defer { times = [:] }
        return times
    }
}
