import Testing

@testable import Transfer

@Suite("The queue of transfers")
struct TransferQueueTests {
    private struct Item: Identifiable, Equatable {
        let id: Int
    }

    private func queue(transfers: Int, perDestination: Int, queued: Int = 100) -> TransferQueue<String, Item> {
        TransferQueue(
            limits: TransferLimits(transfers: transfers, transfersPerDestination: perDestination, queued: queued))
    }

    @Test("starts up to its bounds, then lets wait, then refuses")
    func bounds() {
        var it = queue(transfers: 3, perDestination: 2, queued: 2)
        #expect(it.admit(Item(id: 1), to: "a") == .start)
        #expect(it.admit(Item(id: 2), to: "a") == .start)
        #expect(it.admit(Item(id: 3), to: "a") == .wait)
        #expect(it.admit(Item(id: 4), to: "b") == .start)
        #expect(it.admit(Item(id: 5), to: "b") == .wait)
        #expect(it.admit(Item(id: 6), to: "c") == .refuse)
        #expect(it.active == 3 && it.waiting == 2)
    }

    @Test("gives free places to destinations in turn, not to the longest queue")
    func turns() {
        var it = queue(transfers: 1, perDestination: 1)
        _ = it.admit(Item(id: 0), to: "a")
        for id in 1...3 { _ = it.admit(Item(id: id), to: "a") }
        _ = it.admit(Item(id: 10), to: "b")
        _ = it.admit(Item(id: 20), to: "c")
        var order: [Int] = []
        var destination = "a"
        while let next = it.release(destination).first {
            order.append(next.id)
            destination = next.id >= 20 ? "c" : next.id >= 10 ? "b" : "a"
        }
        #expect(order == [1, 10, 20, 2, 3])
        #expect(it.active == 0 && it.waiting == 0)
    }

    @Test("does not let a full destination hold back others")
    func fullDestination() {
        var it = queue(transfers: 3, perDestination: 1)
        _ = it.admit(Item(id: 1), to: "slow")
        _ = it.admit(Item(id: 2), to: "slow")
        #expect(it.admit(Item(id: 3), to: "quick") == .start)
        #expect(it.admit(Item(id: 4), to: "quick") == .wait)
        #expect(it.release("quick") == [Item(id: 4)])
        #expect(it.release("slow") == [Item(id: 2)])
    }

    @Test("forgets those who give up waiting")
    func removal() {
        var it = queue(transfers: 1, perDestination: 1)
        _ = it.admit(Item(id: 1), to: "a")
        _ = it.admit(Item(id: 2), to: "b")
        _ = it.admit(Item(id: 3), to: "b")
        #expect(it.remove(1, to: "a") == nil)
        #expect(it.remove(2, to: "b") == Item(id: 2))
        #expect(it.remove(2, to: "b") == nil)
        #expect(it.release("a") == [Item(id: 3)])
        _ = it.admit(Item(id: 4), to: "c")
        #expect(it.removeAll() == [Item(id: 4)])
        #expect(it.release("b") == [])
        #expect(it.active == 0 && it.waiting == 0)
    }

    @Test("never exceeds its bounds and loses nobody")
    func property() {
        for _ in 0..<200 {
            var it = queue(transfers: 3, perDestination: 2, queued: 8)
            var running: [(Int, String)] = []
            var names: [Int: String] = [:]
            var expected: Set<Int> = []
            var started: Set<Int> = []
            for id in 0..<60 {
                if Bool.random() || running.isEmpty {
                    let name = ["a", "b", "c"].randomElement()!
                    names[id] = name
                    switch it.admit(Item(id: id), to: name) {
                    case .start:
                        running.append((id, name))
                        started.insert(id)
                        expected.insert(id)
                    case .wait: expected.insert(id)
                    case .refuse: #expect(it.waiting == 8)
                    }
                } else {
                    let (_, name) = running.remove(at: Int.random(in: 0..<running.count))
                    for item in it.release(name) {
                        running.append((item.id, names[item.id]!))
                        started.insert(item.id)
                    }
                }
                #expect(running.count == it.active && running.count <= 3)
                for name in ["a", "b", "c"] { #expect(running.count { $0.1 == name } <= 2) }
            }
            while let (_, name) = running.popLast() {
                for item in it.release(name) {
                    running.append((item.id, names[item.id]!))
                    started.insert(item.id)
                }
            }
            #expect(started == expected)
        }
    }
}
