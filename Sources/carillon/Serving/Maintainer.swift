internal import CarillonNet
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

/// Looks after all tenants: makes months ahead, drops those that are older than is kept, erases tenants whose time has come,
/// counts what is stored. Of all processes with the owner's login one does it at a time: whoever has the lease of the chore.
///
/// What somebody waits for is not done here but by a ``Keeper``, within seconds.
///
/// Every step may be broken off and done again. What fails is logged and tried again in the next round: a tenant whose months
/// are missing is refused with UNAVAILABLE when it publishes, its rows are never misplaced.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; ``hurry()`` only goes there.
final class Maintainer: @unchecked Sendable {
    private let loop: EventLoop
    private let administration: TenantAdministration
    private let login: PostgresConfiguration
    private let log: Logger
    private let holder = Clock.freshID
    private var isHurried = false
    /// Whether something of erased tenants is left in the registry's files.
    private var mustSweep = false
    private var wake: (() -> Void)?

    /// How long a round is not due after any process has done one.
    private static let interval: Duration = .seconds(10 * 60)
    /// Between two looks whether it is due.
    private static let look: Duration = .seconds(60)
    /// Before another try, and while something waits that is due in a moment.
    private static let shortPause: Duration = .seconds(15)
    /// How long the lease lasts without a step, which takes some statements at most.
    private static let timeToLive: Duration = .seconds(120)
    /// Not at once: a process that starts has better things to do, and many may start together.
    private static let firstPause = 20...120
    /// Tenants that one look brings.
    private static let batch = 50

    /// Maintenance on the loop of the administration.
    ///
    /// - Parameter login: how the owner logs in for work that runs in no transaction.
    init(loop: EventLoop, _ administration: TenantAdministration, login: PostgresConfiguration, log: Logger) {
        self.loop = loop
        self.administration = administration
        self.login = login
        self.log = log
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
        // Whether a round was asked for that is not done yet: then it does not matter when the last one was.
        var isAskedFor = false
        while !Task.isCancelled {
            await rest(for: pause)
            guard !Task.isCancelled else { return }
            isAskedFor = isAskedFor || isHurried
            isHurried = false
            do throws(StorageError) {
                if try await keep(dueAfter: isAskedFor ? .zero : Self.interval) {
                    try await work()
                    try await administration.end(.maintenance, holder: holder)
                    isAskedFor = false
                } else if mustSweep {
                    await sweep()
                }
                // Without the lease another process is at it, or has just been: what we are asked for may have come too late for it.
            } catch {
                log.warning("maintenance could not be finished", metadata: ["error": "\(error)"])
                isAskedFor = true
            }
            pause = isAskedFor || mustSweep ? Self.shortPause : Self.look
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
    private func keep(dueAfter interval: Duration = .zero) async throws(StorageError) -> Bool {
        try await administration.take(
            .maintenance, holder: holder, timeToLive: Self.timeToLive, dueAfter: interval)
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
        await sweep()
        try await administration.dropEndedKeys(now: Clock.now)
        var failed: (count: Int, tenant: TenantID, error: StorageError)?
        let made = try await administration.makeMonthsAhead(
            now: Clock.now, goesOn: { await self.goesOn() },
            failed: { failed = ((failed?.count ?? 0) + 1, $0, $1) })
        if let failed {
            // Before the month begins this is the alarm; behind it the tenants' events are refused with UNAVAILABLE.
            log.error(
                "the next month of tenants could not be made",
                metadata: [
                    "tenants": .stringConvertible(failed.count), "tenant": "\(failed.tenant)",
                    "error": "\(failed.error)",
                ])
        }
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
        var after: TenantID?
        while true {
            let due = try await administration.tenantsToErase(now: Clock.now, after: after, limit: Self.batch)
            for record in due {
                guard await goesOn() else { return }
                let stamp = AuditStamp(id: Clock.freshID, actor: "maintenance", origin: "")
                do throws(StorageError) {
                    try await administration.eraseTenant(record.id, stamp: stamp, now: Clock.now)
                    log.notice("a tenant was erased", metadata: ["tenant": "\(record.id)"])
                } catch {
                    log.error(
                        "a tenant could not be erased", metadata: ["tenant": "\(record.id)", "error": "\(error)"])
                }
            }
            guard let last = due.last else { return }
            after = last.id
        }
    }

    /// Takes what is dead of erased tenants out of the registry's files, or finds that it is too early for that.
    private func sweep() async {
        do throws(StorageError) {
            let swept = try await RegistrySweep.run(administration, login, on: loop, now: Clock.now)
            if !swept.isEmpty {
                log.notice(
                    "the registry was swept of erased tenants", metadata: ["tenants": .stringConvertible(swept.count)])
            }
            mustSweep = try await RegistrySweep.isDue(administration)
        } catch {
            log.warning("the registry could not be swept", metadata: ["error": "\(error)"])
        }
    }
}
