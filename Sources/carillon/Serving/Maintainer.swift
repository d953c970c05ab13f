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
    private var sweepPace = SweepPace()
    /// Until when no sweep is tried, since others were in the way of the last one.
    private var sweepsFrom: MonotonicTime?
    /// Why the round that is under way has to end before it is through.
    private var breakingOff: StorageError?
    private var wake: (() -> Void)?

    /// How long a round is not due after any process has done one.
    private static let interval: Duration = .seconds(10 * 60)
    /// Between two looks whether it is due.
    private static let look: Duration = .seconds(60)
    /// Before another try, and while something waits that is due in a moment.
    private static let shortPause: Duration = .seconds(15)
    /// How long the lease lasts without a step, which takes some statements at most.
    private static let timeToLive: Duration = .seconds(120)
    /// How long giving it back may take, which a process that stops waits for.
    private static let handingBack: Duration = .seconds(2)
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
                    try await workOrGiveBack()
                    isAskedFor = false
                } else if mustSweep {
                    await sweep()
                }
                // Without the lease another process is at it, or has just been: what we are asked for may have come too late for it.
            } catch {
                guard !Task.isCancelled else { return }
                log.warning("maintenance could not be finished", metadata: ["error": "\(error)"])
                isAskedFor = true
            }
            pause = isAskedFor || mustSweep && sweepsFrom == nil ? Self.shortPause : Self.look
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

    /// Asked before each step.
    ///
    /// - Throws: what ends the round: the process stops, the lease is another's, or could not be kept.
    private func goOn() async throws(StorageError) {
        do throws(StorageError) {
            guard !Task.isCancelled else { throw StorageError(.deadlineExceeded, "the process stops") }
            guard try await keep() else { throw StorageError(.aborted, "another process has the lease") }
        } catch {
            breakingOff = error
            throw error
        }
    }

    // MARK: One round

    /// One round, behind which the lease is free, whether it came to its end or was broken off.
    private func workOrGiveBack() async throws(StorageError) {
        breakingOff = nil
        do throws(StorageError) {
            try await work()
            try await goOn()
            try await administration.end(.maintenance, holder: holder, isComplete: true)
        } catch {
            // In a task of its own: a process that stops has cancelled this one, and another process need not wait for the lease.
            await loop.spawn { [administration, holder, loop] in
                do throws(StorageError) {
                    try await CallDeadline.within(loop.now.advanced(by: Self.handingBack)) {
                        () async throws(StorageError) in
                        try await administration.end(.maintenance, holder: holder, isComplete: false)
                    }
                } catch {
                    // It ends by itself.
                    self.log.debug("the lease of maintenance could not be given back", metadata: ["error": "\(error)"])
                }
            }
            .value
            throw error
        }
    }

    private func work() async throws(StorageError) {
        try await erase()
        await sweep()
        try await administration.dropEndedKeys(now: Clock.now)
        var failed: (count: Int, tenant: TenantID, error: StorageError)?
        let made = try await administration.makeMonthsAhead(
            now: Clock.now, goesOn: { () async throws(StorageError) in try await self.goOn() },
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
            try await goOn()
            do throws(StorageError) {
                try await lookAfter(database.place)
            } catch {
                if let breakingOff { throw breakingOff }
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
            at: place, now: Clock.now, goesOn: { () async throws(StorageError) in try await self.goOn() },
            failed: { month, error in
                self.log.warning(
                    "a month of history could not be dropped",
                    metadata: ["tenant": "\(month.tenant)", "month": "\(month.month)", "error": "\(error)"])
            })
        try await goOn()
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
                try await goOn()
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
        if let sweepsFrom, loop.now < sweepsFrom { return }
        do throws(StorageError) {
            let outcome = try await RegistrySweep.run(administration, login, on: loop, now: Clock.now)
            let pause = sweepPace.pause(after: outcome)
            sweepsFrom = pause.map { loop.now.advanced(by: $0) }
            switch outcome {
            case .swept(let tenants) where !tenants.isEmpty:
                log.notice(
                    "the registry was swept of erased tenants", metadata: ["tenants": .stringConvertible(tenants.count)]
                )
            case .swept: break
            case .busy:
                log.info(
                    "a long transaction is in the way of sweeping the registry",
                    metadata: ["again_in_s": .stringConvertible(pause?.components.seconds ?? 0)])
            }
            mustSweep = try await RegistrySweep.isDue(administration)
        } catch {
            log.warning("the registry could not be swept", metadata: ["error": "\(error)"])
        }
    }
}
