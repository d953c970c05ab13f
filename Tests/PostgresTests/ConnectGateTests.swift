import CarillonNet
import Support
import Synchronization
import Testing

@testable import Postgres

/// Who waits for whom before a connection is made.
@Suite struct ConnectGateTests {
    /// What was let in, in order.
    private final class Journal: Sendable {
        let names = Mutex<[String]>([])
        func note(_ name: String) { names.withLock { $0.append(name) } }
        var text: String { names.withLock { $0.joined() } }
    }

    @Test func soManyAreInsideAndTheOthersComeInTurn() async {
        let loop = EventLoop(name: "test")
        await loop.run {
            let gate = ConnectGate(limit: 2)
            let journal = Journal()
            let places = ["a", "b", "c", "d", "e"].map { name in gate.enter(on: loop) { journal.note(name) } }
            #expect(journal.text == "ab")
            // Who leaves the line is not called.
            places[2].leave()
            places[0].leave()
            while journal.text.count < 3 { await Task.yield() }
            #expect(journal.text == "abd")
            // Once is enough.
            places[0].leave()
            places[2].leave()
            await Task.yield()
            #expect(journal.text == "abd")
            places[1].leave()
            places[3].leave()
            while journal.text.count < 4 { await Task.yield() }
            #expect(journal.text == "abde")
            places[4].leave()
            for _ in 0..<2 { _ = gate.enter(on: loop) { journal.note("f") } }
            #expect(journal.text == "abdeff")
        }
        await loop.shutDown()
    }

    /// Let in and gone again before its loop comes to it: the place goes on.
    @Test func aPlaceThatNobodyTakesIsNotLost() async {
        let loop = EventLoop(name: "test")
        await loop.run {
            let gate = ConnectGate(limit: 1)
            let journal = Journal()
            let places = ["a", "b", "c"].map { name in gate.enter(on: loop) { journal.note(name) } }
            places[0].leave()
            places[1].leave()
            while journal.text.count < 2 { await Task.yield() }
            #expect(journal.text == "ac")
        }
        await loop.shutDown()
    }

    @Test func aPoolGetsAllItsConnectionsThroughANarrowGate() async throws {
        let events = EventLog()
        let gate = ConnectGate(limit: 1)
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                $0.connections = 5
                $0.gate = gate
                $0.onEvent = events.observer
            }
        ) { pool, _ async throws in
            for _ in 0..<5 { try await events.connected() }
            #expect(pool.status.connections == 5)
        }
        // Neither attempts that failed nor those that were broken off keep a place.
        for _ in 0..<2 {
            try await withPool("host=/nonexistent", configure: { $0.gate = gate }) { pool, _ async throws in
                #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
            }
        }
        let loop = EventLoop(name: "test")
        let isOpen = await loop.run {
            let entered = Journal()
            _ = gate.enter(on: loop) { entered.note("a") }
            return entered.text == "a"
        }
        await loop.shutDown()
        #expect(isOpen)
    }
}
