import CarillonNet
import Support
import Synchronization
import Testing

@testable import Postgres

@Suite struct PoolTests {
    /// Keeps a pool busy until all of its connections share the units; says which backends answered.
    @discardableResult
    private func widen(_ pool: PostgresPool) async throws -> Set<Int> {
        var backends: Set<Int> = []
        while pool.status.sharing < 4 || backends.count < 4 {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for affinity in 0..<64 {
                    group.addTask { try await pool.integer("SELECT pg_backend_pid()", affinity: affinity) }
                }
                for try await backend in group { backends.insert(backend) }
            }
        }
        return backends
    }

    /// The backends that answer one unit after the other.
    private func backends(_ pool: PostgresPool) async throws -> Set<Int> {
        var backends: Set<Int> = []
        for affinity in 0..<64 {
            backends.insert(try await pool.integer("SELECT pg_backend_pid()", affinity: affinity))
        }
        return backends
    }

    @Test func unitsThatComeAloneMeetOnOneConnection() async throws {
        try await withPool(makeDatabase().connectionInfo) { pool, _ async throws in
            // Until all connections stand, a unit may go to another one.
            while pool.status.connections < 4 { _ = try await pool.run(Unit([])) }
            #expect(try await backends(pool).count == 1)
        }
    }

    /// Who was needed for a burst, and who comes to share, stays as it is.
    @Test func noSessionEndsWhenMoreShare() async throws {
        let ends = Mutex(0)
        let info = try makeDatabase().connectionInfo
        try await withPool(info, configure: { $0.onEvent = { if case .connected = $0 { ends.withLock { $0 += 1 } } } })
        {
            pool, _ async throws in
            while pool.status.connections < 4 { _ = try await pool.run(Unit([])) }
            try await widen(pool)
            #expect(try await backends(pool).count == 4)
        }
        #expect(ends.withLock { $0 } == 4, "each was made once")
    }

    @Test func equalAffinitiesMeetOnOneConnection() async throws {
        try await withPool(makeDatabase().connectionInfo) { pool, _ async throws in
            while pool.status.connections < 4 { _ = try await pool.run(Unit([])) }
            try await widen(pool)
            var backends: Set<Int> = []
            for affinity in 0..<16 {
                let backend = try await pool.integer("SELECT pg_backend_pid()", affinity: affinity)
                for _ in 0..<3 {
                    #expect(try await pool.integer("SELECT pg_backend_pid()", affinity: affinity) == backend)
                }
                backends.insert(backend)
            }
            #expect(backends.count == 4)
        }
    }

    /// Backends that no unit goes to any more do not keep what they have learnt.
    @Test func whenThereIsLittleToDoOtherSessionsTakeThePlaceOfThoseThatWereNeeded() async throws {
        let lost = Mutex(0)
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                $0.calm = .milliseconds(50)
                $0.reconnectPause = .seconds(3600)...(.seconds(3600))
                $0.onEvent = {
                    switch $0 {
                    case .disconnected, .connectFailed: lost.withLock { $0 += 1 }
                    default: break
                    }
                }
            }
        ) { pool, loop async throws in
            while pool.status.connections < 4 { _ = try await pool.run(Unit([])) }
            let backends = try await widen(pool)
            let known = backends.map(String.init).joined(separator: ", ")
            let left = "SELECT count(*) FROM pg_stat_activity WHERE pid IN (\(known))"
            let end = loop.now.advanced(by: .seconds(60))
            while try await pool.integer(left) > 1 || pool.status.sharing > 1, loop.now < end {}
            #expect(backends.count == 4 && pool.status.sharing == 1)
            #expect(try await pool.integer(left) == 1)
            while pool.status.connections < 4, loop.now < end { _ = try await pool.run(Unit([])) }
            #expect(pool.status.connections == 4)
        }
        #expect(lost.withLock { $0 } == 0, "nothing was lost")
    }

    @Test func aUnitDoesNotWaitBehindALongOne() async throws {
        let database = try makeDatabase()
        try await withPool(database.connectionInfo, configure: { $0.connections = 2 }) { pool, loop async throws in
            while pool.status.connections < 2 { _ = try await pool.run(Unit([])) }
            let home = try await pool.integer("SELECT pg_backend_pid()")
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                async let long = pool.run(HeldLock.wait)
                while pool.status.unitsInFlight < 1 { await Task.yield() }
                let isLong = loop.now.advanced(by: .milliseconds(60))
                while loop.now < isLong { try await loop.sleep(for: .milliseconds(1)) }
                #expect(try await pool.integer("SELECT pg_backend_pid()") != home)
                await lock.release()
                _ = try await long
            }
        }
    }

    @Test func aSaturatedConnectionIsPassedOver() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 2
                $0.unitsPerConnection = 2
            }
        ) { pool, loop async throws in
            while pool.status.connections < 2 { _ = try await pool.run(Unit([])) }
            let home = try await pool.integer("SELECT pg_backend_pid()", affinity: 5)
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                async let first = pool.run(HeldLock.wait, affinity: 5)
                async let second = pool.run(HeldLock.wait, affinity: 5)
                while pool.status.unitsInFlight < 2 { await Task.yield() }
                #expect(try await pool.integer("SELECT pg_backend_pid()", affinity: 5) != home)
                await lock.release()
                _ = try await (first, second)
            }
        }
    }

    @Test func theQueueIsBounded() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 1
                $0.unitsPerConnection = 1
                $0.queueLimit = 2
            }
        ) { pool, loop async throws in
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                async let blocked = pool.run(HeldLock.wait)
                while pool.status.unitsInFlight < 1 { await Task.yield() }
                async let first = pool.integer("SELECT 1::int8")
                async let second = pool.integer("SELECT 2::int8")
                while pool.status.unitsQueued < 2 { await Task.yield() }
                let error = try await pool.error(Unit("SELECT 3"))
                #expect(error.code == .queueFull)
                #expect(error.isRetryable)
                await lock.release()
                _ = try await blocked
                #expect(try await first == 1)
                #expect(try await second == 2)
                #expect(pool.status.unitsQueued == 0)
            }
        }
    }

    @Test func aDeadlineFreesTheWaiterAndNotTheConnection() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                // The unit is to end before it would be cancelled.
                $0.cancelPause = .seconds(600)
                $0.connections = 1
                $0.unitsPerConnection = 1
            }
        ) { pool, loop async throws in
            _ = try await pool.run(Unit(commands: "CREATE TABLE public.t (a int8)"))
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                let sql =
                    "WITH l AS MATERIALIZED (SELECT pg_advisory_xact_lock(1)) INSERT INTO public.t SELECT 1 FROM l"
                async let sent = pool.error(Unit(sql), deadline: loop.now.advanced(by: .milliseconds(80)))
                while pool.status.unitsInFlight < 1 { await Task.yield() }
                // The earlier deadline is asked for later: the timer has to be moved.
                let queued = try await pool.error(
                    Unit("SELECT 1"), deadline: loop.now.advanced(by: .milliseconds(20)))
                #expect(queued.code == .deadlineExceeded)
                #expect(!queued.isCommitUnknown)
                #expect(pool.status.unitsQueued == 0)
                let overdue = try await sent
                #expect(overdue.code == .deadlineExceeded)
                #expect(overdue.isCommitUnknown)
                #expect(try await pool.error(Unit("SELECT 1"), deadline: loop.now).isCommitUnknown == false)
                await lock.release()
                // The unit without a waiter went on and was committed.
                #expect(try await pool.integer("SELECT count(*) FROM public.t") == 1)
            }
        }
    }

    @Test func aCancelledTaskIsAnsweredAtOnce() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 1
                $0.unitsPerConnection = 1
            }
        ) { pool, loop async throws in
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                let errors = Mutex<[PostgresError]>([])
                let sent = loop.spawn {
                    guard let error = try? await pool.error(HeldLock.wait) else { return }
                    errors.withLock { $0.append(error) }
                }
                while pool.status.unitsInFlight < 1 { await Task.yield() }
                let queued = loop.spawn {
                    guard let error = try? await pool.error(Unit("SELECT 1")) else { return }
                    errors.withLock { $0.append(error) }
                }
                while pool.status.unitsQueued < 1 { await Task.yield() }
                queued.cancel()
                await queued.value
                sent.cancel()
                await sent.value
                #expect(errors.withLock { $0.map(\.code) } == [.cancelled, .cancelled])
                #expect(errors.withLock { $0.map(\.isCommitUnknown) } == [false, true])
                #expect(pool.status.unitsQueued == 0)
                await lock.release()
                #expect(try await pool.integer("SELECT 1::int8") == 1)
            }
        }
    }

    @Test func aUnitThatOverrunsTheHardLimitCostsItsConnection() async throws {
        let database = try makeDatabase()
        let events = EventLog()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 1
                $0.statementTimeout = .zero
                $0.lockTimeout = .zero
                $0.unitLimit = .milliseconds(500)
                $0.onEvent = events.observer
            }
        ) { pool, loop async throws in
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                async let behind = pool.error(Unit("SELECT 1"))
                let error = try await pool.error(HeldLock.wait)
                #expect(error.code == .deadlineExceeded)
                #expect(error.isCommitUnknown)
                _ = try? await behind
                #expect(try await events.disconnected().code == .deadlineExceeded)
                try await events.connected()
                #expect(try await pool.integer("SELECT 1::int8") == 1)
                await lock.release()
            }
        }
    }

    @Test func closingAnswersEverythingFirst() async throws {
        let database = try makeDatabase()
        let count = try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 2
                $0.unitsPerConnection = 2
            }
        ) { pool, loop async throws in
            let answered = try await withThrowingTaskGroup(of: Int.self) { group in
                try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                    for number in 0..<4 {
                        group.addTask { try await pool.run(HeldLock.wait).count }
                        while pool.status.unitsInFlight <= number { await Task.yield() }
                    }
                    for number in 0..<50 {
                        group.addTask { try await pool.integer("SELECT \(number)::int8") }
                    }
                    while pool.status.unitsQueued < 50 { await Task.yield() }
                    async let end: Void = pool.close()
                    await lock.release()
                    await end
                    #expect(pool.status.connections == 0)
                }
                return try await group.reduce(0) { sum, _ in sum + 1 }
            }
            #expect(try await pool.error(Unit([])).code == .unavailable)
            return answered
        }
        #expect(count == 54)
    }

    /// More units at once than connections, in-flight bound and queue order can confuse.
    @Test func manyUnitsEachGetTheirOwnAnswer() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 3 }) { pool, _ async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        let unit = Unit("SELECT $1", .int8(Int64(number)))
                        return try await pool.run(unit, affinity: number)[0][0].int8(0) == number
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }
}
