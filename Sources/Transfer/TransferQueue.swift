/// Who may start, who waits, who is refused: places for transfers, shared fairly between destinations. Pure.
///
/// A transfer holds a place from its start to its end. When a place is free, destinations that have waiting transfers and
/// are below their own bound take turns.
struct TransferQueue<Destination: Hashable, Element: Identifiable> {
    /// What happens to a new transfer.
    enum Admission: Equatable {
        case start, wait, refuse
    }

    private let limits: TransferLimits
    private var running = 0
    private var runningByDestination: [Destination: Int] = [:]
    private var waitingByDestination: [Destination: [Element]] = [:]
    private var turns: [Destination] = []

    /// How many transfers wait.
    private(set) var waiting = 0
    /// How many transfers hold a place.
    var active: Int { running }

    init(limits: TransferLimits) {
        self.limits = limits
    }

    /// Asks for a place for a transfer, which waits in the queue if there is none.
    mutating func admit(_ element: Element, to destination: Destination) -> Admission {
        if waitingByDestination[destination] == nil, hasPlace(for: destination) {
            occupy(destination)
            return .start
        }
        guard waiting < limits.queued else { return .refuse }
        waiting += 1
        if waitingByDestination[destination] == nil { turns.append(destination) }
        waitingByDestination[destination, default: []].append(element)
        return .wait
    }

    /// Gives a place back and returns those who start now.
    mutating func release(_ destination: Destination) -> [Element] {
        running -= 1
        let left = runningByDestination[destination, default: 1] - 1
        runningByDestination[destination] = left > 0 ? left : nil
        var started: [Element] = []
        var passed = 0
        while running < limits.transfers, passed < turns.count {
            let next = turns.removeFirst()
            guard hasPlace(for: next), let element = takeFirst(of: next) else {
                turns.append(next)
                passed += 1
                continue
            }
            if waitingByDestination[next] != nil { turns.append(next) }
            passed = 0
            occupy(next)
            started.append(element)
        }
        return started
    }

    /// Takes a waiting transfer out; `nil` if it does not wait.
    mutating func remove(_ id: Element.ID, to destination: Destination) -> Element? {
        guard let index = waitingByDestination[destination]?.firstIndex(where: { $0.id == id }) else { return nil }
        let element = waitingByDestination[destination]?.remove(at: index)
        waiting -= 1
        forgetIfEmpty(destination)
        return element
    }

    /// Takes all waiting transfers out.
    mutating func removeAll() -> [Element] {
        let all = turns.flatMap { waitingByDestination[$0] ?? [] }
        waitingByDestination = [:]
        turns = []
        waiting = 0
        return all
    }

    private func hasPlace(for destination: Destination) -> Bool {
        running < limits.transfers && runningByDestination[destination, default: 0] < limits.transfersPerDestination
    }

    private mutating func occupy(_ destination: Destination) {
        running += 1
        runningByDestination[destination, default: 0] += 1
    }

    private mutating func takeFirst(of destination: Destination) -> Element? {
        guard waitingByDestination[destination]?.isEmpty == false else { return nil }
        let element = waitingByDestination[destination]?.removeFirst()
        waiting -= 1
        if waitingByDestination[destination]?.isEmpty == true { waitingByDestination[destination] = nil }
        return element
    }

    private mutating func forgetIfEmpty(_ destination: Destination) {
        guard waitingByDestination[destination]?.isEmpty == true else { return }
        waitingByDestination[destination] = nil
        turns.removeAll { $0 == destination }
    }
}
