internal import DequeModule

/// Whose turn it is: deficit round robin over those who have work.
///
/// At its turn a member gets ``quantum`` more to spend and spends what it can; what it could not spend because places
/// were short it keeps for the next turn, up to one quantum; what it did not need lapses. So over time all members with
/// work get the same, whatever their backlogs, and one with little work waits for one turn of each other at most.
struct TurnRing<Member: Hashable> {
    /// What a turn is worth.
    let quantum: Int
    private var ring: Deque<Member> = []
    private var waiting: Set<Member> = []
    private var deficits: [Member: Int] = [:]

    init(quantum: Int) {
        precondition(quantum > 0, "a turn must be worth something")
        self.quantum = quantum
    }

    /// How many members wait for their turn.
    var count: Int { waiting.count }

    /// Whether a member waits for its turn.
    func contains(_ member: Member) -> Bool { waiting.contains(member) }

    /// A member has, or may have, work. Harmless when it waits already.
    mutating func enter(_ member: Member) {
        guard waiting.insert(member).inserted else { return }
        ring.append(member)
    }

    /// A member has no work, or is gone: what it has saved lapses.
    mutating func leave(_ member: Member) {
        deficits[member] = nil
        // Rare, so the search does no harm.
        if waiting.remove(member) != nil { ring.removeAll { $0 == member } }
    }

    /// The next turn: who, and how much it may spend now. The member waits no more until it enters again.
    ///
    /// - Parameter free: the places that are free; at least 1.
    mutating func next(free: Int) -> (member: Member, allowance: Int)? {
        guard free > 0, let member = ring.popFirst() else { return nil }
        waiting.remove(member)
        let credit = min(deficits[member, default: 0] + quantum, 2 * quantum)
        deficits[member] = credit
        return (member, min(credit, free))
    }

    /// A member has spent so much of its turn and has more work: it takes its place at the end.
    mutating func spent(_ cost: Int, by member: Member) {
        let left = max(0, deficits[member, default: 0] - cost)
        deficits[member] = min(left, quantum)
        enter(member)
    }
}
