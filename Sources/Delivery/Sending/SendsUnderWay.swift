internal import CarillonNet
internal import Domain
internal import Storage

/// What is being sent to users of one tenant, and was sent so lately that what was read of the database may not show it: caps count it
/// as sent.
///
/// Holds no more than is being sent at once and was recorded since the last read. Confined to the worker's loop.
struct SendsUnderWay {
    private struct Entry {
        let user: UserID
        let send: RecentSend
        /// When the word on it was on disk.
        var recordedAt: MonotonicTime?
    }

    private var entries: [DeliveryID: Entry] = [:]

    /// A send begins.
    mutating func begin(_ id: DeliveryID, to user: UserID, _ send: RecentSend) {
        entries[id] = Entry(user: user, send: send)
    }

    /// It came to nothing.
    mutating func fail(_ id: DeliveryID) { entries[id] = nil }

    /// What came of it is on disk.
    mutating func recorded(_ id: DeliveryID, at now: MonotonicTime) { entries[id]?.recordedAt = now }

    /// A read begins: it shows all that is on disk by now.
    mutating func readBegins(at now: MonotonicTime) {
        entries = entries.filter { $0.value.recordedAt.map { $0 >= now } ?? true }
    }

    /// What a user is being sent.
    ///
    /// - Parameter known: what the read showed.
    func sends(to user: UserID, besides known: Set<DeliveryID>) -> [RecentSend] {
        entries.isEmpty ? [] : entries.compactMap { $1.user == user && !known.contains($0) ? $1.send : nil }
    }
}
