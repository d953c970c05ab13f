internal import CarillonNet
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

/// Looks after all tenants: makes months ahead, drops those that are older than is kept, erases tenants whose time has come,
/// counts what is stored. Of all processes with the owner's login one does it at a time: whoever has the lease of the chore.
///
/// Every step may be broken off and done again. What fails is logged and tried again in the next round: a tenant whose months
/// are missing is refused with UNAVAILABLE when it publishes, its rows are never misplaced.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; ``hurry()`` only goes there.
final class Maintainer: @unchecked Sendable {
    private let loop: EventLoop
    private let administration: TenantAdministration
    private let log: Logger
    private let holder = Clock.freshID
    private var isHurried = false
    private var wake: (() -> Void)?

    private static let interval: Duration = .seconds(10 * 60)
    /// How long the lease lasts without a step, which takes some statements at most.
    private static let timeToLive: Duration = .seconds(120)
    /// Not at once: a process that starts has better things to do, and many may start together.
    private static let firstPause = 20...120
    /// Tenants that one look brings.
    private static let batch = 50

    /// Maintenance over a pool that logs in as `carillon_owner`, on the loop of the pool.
    init(loop: EventLoop, owner: PostgresPool, databases: DatabasePools?, log: Logger) {
        self.loop = loop
        self.log = log
        administration = TenantAdministration(pool: owner, databases: databases) { pause throws(CancellationError) in
            try await loop.sleep(for: pause)
        }
    }

    /// Begins a round now, or another one behind the one that is under way. Any thread.
    func hurry() {
        loop.execute {
            self.isHurried = true
            self.wake?()
        }
    }

    /// Works until the task is cancelled. On the loop.
    func run() async {
        var pause: Duration = .seconds(Int.random(in: Self.firstPause))
        while !Task.isCancelled {
            await rest(for: pause)
            guard !Task.isCancelled else { return }
            isHurried = false
            pause = Self.interval
            do throws(StorageError) {
                if try await keep() {
                    try await work()
                    try await administration.end(.maintenance, holder: holder, now: Clock.now)
                } else {
                    // Another process is at it; what hurried us is done by it, or by us a little later.
                    pause = .seconds(30)
                }
            } catch {
                log.warning("maintenance could not be finished", metadata: ["error": "\(error)"])
                pause = .seconds(30)
            }
        }
    }

    /// Waits for some time, or until somebody hurries us.
    private func rest(for pause: Duration) async {
        guard !isHurried else { return }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let timer = loop.schedule(after: pause) { self.wake?() }
                wake = {
                    timer.cancel()
                    self.wake = nil
                    continuation.resume()
                }
            }
        } onCancel: {
            loop.execute { self.wake?() }
        }
    }

    /// Takes the lease or keeps it.
    private func keep() async throws(StorageError) -> Bool {
        try await administration.take(.maintenance, holder: holder, timeToLive: Self.timeToLive)
    }

    private func goesOn() async -> Bool {
        guard !Task.isCancelled else { return false }
        do throws(StorageError) {
            return try await keep()
        } catch {
            return false
        }
    }

    // MARK: One round

    private func work() async throws(StorageError) {
        try await erase()
        try await administration.dropEndedKeys(now: Clock.now)
        let made = try await administration.makeMonthsAhead(
            now: Clock.now, goesOn: { await self.goesOn() },
            failed: { tenant, error in
                // Before the month begins this is the alarm; behind it the tenant's events are refused with UNAVAILABLE.
                self.log.error(
                    "the next month of a tenant could not be made",
                    metadata: ["tenant": "\(tenant)", "error": "\(error)"])
            })
        log.info("months were made ahead", metadata: ["tenants": .stringConvertible(made.count)])
        for database in try await administration.databases() where database.tenants > 0 {
            guard await goesOn() else { return }
            do throws(StorageError) {
                try await lookAfter(database.place)
            } catch {
                // The others need not wait for one that is away.
                log.warning(
                    "a database could not be looked after",
                    metadata: ["database": "\(database.name)", "error": "\(error)"])
            }
        }
    }

    /// Retention and counting in one database.
    private func lookAfter(_ place: TenantPlace) async throws(StorageError) {
        let dropped = try await administration.dropExpiredMonths(
            at: place, now: Clock.now, goesOn: { await self.goesOn() },
            failed: { month, error in
                self.log.warning(
                    "a month of history could not be dropped",
                    metadata: ["tenant": "\(month.tenant)", "month": "\(month.month)", "error": "\(error)"])
            })
        guard await goesOn() else { return }
        let counted = try await administration.countUsage(at: place, now: Clock.now)
        log.info(
            "a database was looked after",
            metadata: [
                "database": "\(place.database)", "months_dropped": .stringConvertible(dropped),
                "tenants": .stringConvertible(counted),
            ])
    }

    private func erase() async throws(StorageError) {
        while true {
            let due = try await administration.tenantsToErase(now: Clock.now, limit: Self.batch)
            var erased = 0
            for record in due {
                guard await goesOn() else { return }
                let stamp = AuditStamp(id: Clock.freshID, actor: "maintenance", origin: "")
                do throws(StorageError) {
                    try await administration.eraseTenant(record.id, stamp: stamp, now: Clock.now)
                    erased += 1
                    log.notice("a tenant was erased", metadata: ["tenant": "\(record.id)"])
                } catch {
                    log.error(
                        "a tenant could not be erased", metadata: ["tenant": "\(record.id)", "error": "\(error)"])
                }
            }
            // Those that fail would come first for ever.
            guard due.count == Self.batch, erased > 0 else { return }
        }
    }
}
