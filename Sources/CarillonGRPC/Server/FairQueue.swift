/// Elements that wait, of several owners who take turns: first come, first served for each owner, one of each owner in a
/// round. Whoever brings many waits for himself.
struct FairQueue<Owner: Hashable, Element> {
    private var waiting: [Owner: [Element]] = [:]
    /// The owners with something that waits, in the order of their turns.
    private var turns: [Owner] = []

    /// Whether nothing waits.
    var isEmpty: Bool { turns.isEmpty }

    /// Adds an element behind the others of its owner.
    mutating func append(_ element: Element, of owner: Owner) {
        if waiting[owner] == nil { turns.append(owner) }
        waiting[owner, default: []].append(element)
    }

    /// Takes the first element of the owner whose turn it is.
    mutating func popFirst() -> Element? {
        guard !turns.isEmpty else { return nil }
        let owner = turns.removeFirst()
        guard let element = waiting[owner]?.removeFirst() else { return nil }
        if waiting[owner]?.isEmpty ?? true {
            waiting[owner] = nil
        } else {
            turns.append(owner)
        }
        return element
    }
}
