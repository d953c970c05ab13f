internal import CarillonNet

/// The writers of one connection's streaming answers that wait because too much waits to be read already: for that
/// connection, or for all of the loop together. First come, first served; only the first may go on.
struct WriterLine {
    private var waiters: [Waiter] = []
    /// Where the connection stands in ``WaitingConnections``; `nil` while it is not there.
    var place: Int?

    /// Whether nobody waits.
    var isEmpty: Bool { waiters.isEmpty }

    /// The one who may go on when there is room.
    var first: Waiter? { waiters.first }

    /// Adds a writer behind the others.
    mutating func append(_ waiter: Waiter) { waiters.append(waiter) }

    /// Takes a writer out, wherever he stands.
    mutating func remove(_ waiter: Waiter) { waiters.removeAll { $0 === waiter } }
}

/// The connections whose writers wait for room that all connections of a loop share. They have their turns one after
/// another, whatever the number of their writers.
struct WaitingConnections {
    private var connections: [ConnectionState] = []
    private var turn = 0
    /// So many connections are looked at in one go while there is room only for those who have little.
    private static let looks = 16

    /// Adds a connection unless it is there.
    mutating func insert(_ connection: ConnectionState) {
        guard connection.line.place == nil else { return }
        connection.line.place = connections.count
        connections.append(connection)
    }

    /// Takes a connection out if it is there.
    mutating func remove(_ connection: ConnectionState) {
        guard let place = connection.line.place, let last = connections.popLast() else { return }
        connection.line.place = nil
        guard last !== connection else { return }
        connections[place] = last
        last.line.place = place
    }

    /// The connection whose turn it is, if it is one that may go on. Those that wait for room of their own are taken out:
    /// they come back when they have it.
    ///
    /// - Parameter isRoomForAll: whether everybody may go on who has room of his own.
    mutating func next(isRoomForAll: Bool) -> ConnectionState? {
        var looks = isRoomForAll ? connections.count : min(connections.count, Self.looks)
        while looks > 0, !connections.isEmpty {
            looks -= 1
            turn = turn + 1 < connections.count ? turn + 1 : 0
            let connection = connections[turn]
            if connection.isFull || connection.line.isEmpty {
                remove(connection)
            } else if connection.hasRoomForOutput {
                return connection
            }
        }
        return nil
    }
}
