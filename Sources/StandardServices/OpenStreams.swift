internal import CarillonGRPC
internal import Synchronization

/// How many streams of one kind a server has open, over all loops.
final class OpenStreamCount: Sendable {
    private let count = Atomic<Int>(0)
    let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes one more; false when there are as many as may be. Any thread.
    func take() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            count.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives one back. Any thread.
    func giveBack() {
        count.subtract(1, ordering: .relaxed)
    }
}

/// How many streams of one kind each connection of a loop has open. Confined to the loop.
struct OpenStreams {
    private let total: OpenStreamCount
    private let limit: Int
    private var counts: [ObjectIdentifier: Int] = [:]

    /// - Parameters:
    ///   - total: the count of all loops.
    ///   - limit: how many one connection may have.
    init(total: OpenStreamCount, perConnection limit: Int) {
        self.total = total
        self.limit = limit
    }

    /// Counts one more of a connection; ``leave(_:)`` must follow.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when the connection or the server has too many.
    mutating func enter(_ connection: ConnectionState) throws(Status) {
        let key = ObjectIdentifier(connection)
        guard counts[key, default: 0] < limit else {
            throw Status(.resourceExhausted, "a connection may have \(limit) such streams open; close some first")
        }
        guard total.take() else {
            throw Status(.resourceExhausted, "the server has \(total.limit) such streams open, as many as it takes")
        }
        counts[key, default: 0] += 1
    }

    /// Counts one less.
    mutating func leave(_ connection: ConnectionState) {
        let key = ObjectIdentifier(connection)
        total.giveBack()
        guard let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }
}
