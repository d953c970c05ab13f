import CarillonNet
import Postgres
import Support
import Synchronization
import Testing

/// Pools that are allowed to let go of connections that nobody needs.
@Suite struct IdlePoolTests {
    @Test func connectionsAreClosedWhenIdleAndMadeWhenNeeded() async throws {
        let lost = Mutex(0)
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                $0.connections = 2
                $0.idleLimit = .milliseconds(20)
                $0.reconnectPause = .seconds(3600)...(.seconds(3600))
                $0.onEvent = { if case .disconnected = $0 { lost.withLock { $0 += 1 } } }
            }
        ) { pool, loop async throws in
            var backends: Set<Int> = []
            for _ in 1...3 {
                backends.insert(try await pool.integer("SELECT pg_backend_pid()"))
                // The loop has to turn for it.
                while pool.status.connections > 0 { try await loop.sleep(for: .milliseconds(1)) }
                #expect(pool.status.outage == nil)
            }
            #expect(backends.count == 3)
            async let one = pool.integer("SELECT 1::int8")
            async let two = pool.integer("SELECT 2::int8", affinity: 1)
            #expect(try await (one, two) == (1, 2))
        }
        #expect(lost.withLock { $0 } == 0, "nothing was lost")
    }

    @Test func workKeepsThemOpen() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 1
                $0.idleLimit = .milliseconds(20)
            }
        ) { pool, loop async throws in
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                async let waiting = pool.run(HeldLock.wait)
                while pool.status.unitsInFlight < 1 { await Task.yield() }
                let end = loop.now.advanced(by: .milliseconds(100))
                while loop.now < end { try await loop.sleep(for: .milliseconds(1)) }
                #expect(pool.status.connections == 1 && pool.status.unitsInFlight == 1)
                await lock.release()
                _ = try await waiting
            }
        }
    }
}
