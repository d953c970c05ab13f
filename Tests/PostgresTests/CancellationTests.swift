import CarillonNet
import Support
import Testing

@testable import Postgres

/// What becomes of units whose waiters have left after they were sent.
@Suite(.timeLimit(.minutes(5))) struct CancellationTests {
    /// The lock is held to the end, and the server's own limit is a minute: only a cancelled unit lets the backend go.
    @Test(arguments: [true, false])
    func aUnitThatNobodyWaitsForIsCancelledAtTheServer(byDeadline: Bool) async throws {
        let database = try makeDatabase()
        try await withPool(database.connectionInfo, configure: { $0.connections = 1 }) { pool, loop async throws in
            let backend = try await pool.integer("SELECT pg_backend_pid()")
            try await HeldLock.hold(database.connectionInfo, on: loop) { _ async throws in
                if byDeadline {
                    let error = try await pool.error(
                        HeldLock.wait, deadline: loop.now.advanced(by: .milliseconds(50)))
                    #expect(error.code == .deadlineExceeded)
                    #expect(error.isCommitUnknown)
                } else {
                    let waiter = loop.spawn { _ = try? await pool.run(HeldLock.wait) }
                    while pool.status.unitsInFlight < 1 { await Task.yield() }
                    waiter.cancel()
                    await waiter.value
                }
                #expect(pool.status.unitsInFlight == 1)
                // The same session answers the next unit, and waits for a command when it has.
                #expect(try await pool.integer("SELECT pg_backend_pid()") == backend)
                let idle = try await withPool(database.connectionInfo) { observer, _ async throws in
                    try await observer.integer(
                        "SELECT count(*) FROM pg_stat_activity WHERE pid = \(backend) AND state = 'idle'")
                }
                #expect(idle == 1)
            }
        }
    }

    /// Tasks of one loop begin in the order in which they were made.
    @Test func unitsBehindACancelledOneGoOn() async throws {
        let database = try makeDatabase()
        try await withPool(database.connectionInfo, configure: { $0.connections = 1 }) { pool, loop async throws in
            try await HeldLock.hold(database.connectionInfo, on: loop) { _ async throws in
                async let blocked = pool.error(HeldLock.wait, deadline: loop.now.advanced(by: .milliseconds(50)))
                async let first = pool.integer("SELECT 1::int8")
                async let second = pool.integer("SELECT 2::int8")
                #expect(try await blocked.code == .deadlineExceeded)
                #expect(try await first == 1)
                #expect(try await second == 2)
            }
        }
    }

    /// Requests are sent the moment a waiter leaves, and its unit takes about as long as they do: many hit the unit behind,
    /// its BEGIN or COMMIT, a repair, or nothing. Whoever waits gets an answer, and each unit has happened once.
    @Test func aRequestThatHitsAnotherUnitCostsNobodyAnything() async throws {
        let database = try makeDatabase()
        let rounds = 150
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 1
                $0.cancelPause = .zero
            }
        ) { pool, loop async throws in
            _ = try await pool.run(Unit(commands: "CREATE TABLE public.t (a int8)"))
            for round in 0..<rounds {
                async let left = pool.run(
                    Unit("SELECT pg_sleep(\(Double(round % 10) / 1000 + 0.001))"),
                    deadline: loop.now.advanced(by: .milliseconds(2)))
                async let wanted = pool.run(
                    Unit("WITH s AS MATERIALIZED (SELECT pg_sleep(0.004)) INSERT INTO public.t SELECT 1 FROM s"))
                async let further = pool.run(Unit("INSERT INTO public.t VALUES (2)"))
                _ = try? await left
                _ = try await wanted
                _ = try await further
            }
            #expect(try await pool.integer("SELECT count(*) FROM public.t") == 2 * rounds)
        }
    }

    @Test func onlyWhatWasOnItsWayCanBeHit() {
        var window = CancelWindow()
        #expect(!window.isOpen)
        window.exchangeEnded()
        window.begin()
        #expect(window.isOpen && window.isSending)
        // Until the server has carried it out, everything can be hit that is sent.
        window.exchangeEnded()
        #expect(window.isOpen)
        window.carriedOut(inFlight: 2)
        #expect(window.isOpen && !window.isSending)
        window.exchangeEnded()
        #expect(window.isOpen)
        window.exchangeEnded()
        #expect(!window.isOpen)
        window.begin()
        window.carriedOut(inFlight: 0)
        #expect(!window.isOpen)
    }
}
