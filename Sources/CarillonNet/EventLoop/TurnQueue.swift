/// Something that wants to do what is dear and can wait, such as the cryptography of a handshake.
package protocol TurnTaker: AnyObject {
    /// Called once on the loop's thread when it is this one's turn.
    func takeTurn()
}

/// Those who wait for their turn on a loop: first come, first served, and only a few in a tick, so that whoever has none of
/// this to do is served in between. Confined to the loop's thread.
///
/// It is bounded by its members: each waits once, and there are no more of them than descriptors.
struct TurnQueue {
    /// How many turns are taken in one tick. A handshake takes a third of a millisecond: this many are about as long as a
    /// tick under load takes anyway.
    static let turnsPerTick = 4

    private var waiting: [(any TurnTaker)?] = []
    private var head = 0

    /// Whether nobody waits.
    var isEmpty: Bool { head == waiting.count }

    /// Adds one who does not wait yet.
    mutating func append(_ taker: any TurnTaker) {
        waiting.append(taker)
    }

    /// Who has waited longest.
    mutating func popFirst() -> (any TurnTaker)? {
        guard head < waiting.count, let taker = waiting[head] else { return nil }
        waiting[head] = nil
        head += 1
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024 {
            waiting.removeFirst(head)
            head = 0
        }
        return taker
    }
}
