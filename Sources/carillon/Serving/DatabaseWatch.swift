internal import CarillonNet
internal import Logging
internal import Postgres
internal import Storage

/// Looks after the database that a server serves from: whether it was set up for serving, and whether it is there.
///
/// A database that is away is waited for, before the first call as well as later. One that is there and not set up is
/// refused: without the hardening one tenant could become another. So is one whose schemas a newer program has changed so
/// that this one cannot use them; that is looked for as long as the process serves.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`, on which its methods run.
final class DatabaseWatch: @unchecked Sendable {
    /// What a look at the database said.
    enum Finding: Sendable {
        /// It is there and set up.
        case fit
        /// It cannot be asked now; the text says why, for the log.
        case away(String)
        /// It must not be served from; the text says why and what to do.
        case unfit(String)
    }

    /// A login that this process uses beside the serving one.
    struct Login: Sendable {
        let duty: LoginDuty
        let configuration: PostgresConfiguration
        /// The setting that names it.
        let setting: SettingKey
    }

    private let loop: EventLoop
    private let pools: PerLoop<PostgresPool>
    private let readiness: Readiness
    private let log: Logger
    private let onChange: @Sendable () -> Void
    private var isVerified = false
    /// The logins beside the serving one that were not looked at yet.
    private var unverified: [Login]
    private var nextLogins: MonotonicTime
    /// The task that looks at them.
    private var verifying: Task<Void, Never>?
    /// Why one of them must not be used.
    private var loginDefect: String?
    private var loginWaiter: CheckedContinuation<Void, Never>?
    private var hasWaitedForLogins = false
    private static let interval: Duration = .seconds(1)
    /// Between two tries to log in as somebody who could not.
    private static let loginPause: Duration = .seconds(10)
    /// How long a look at the versions may take; a busy database is asked again. Also how long the first look waits for the
    /// logins, so that a process with one that must not be used mostly does not begin to serve.
    private static let patience: Duration = .seconds(1)

    /// Watches the database that pools are connected to.
    ///
    /// - Parameters:
    ///   - logins: those that are used beside the serving one.
    ///   - onChange: called after the readiness has changed, on the loop.
    init(
        loop: EventLoop, pools: PerLoop<PostgresPool>, logins: [Login], readiness: Readiness, log: Logger,
        onChange: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.pools = pools
        unverified = logins
        nextLogins = loop.now
        self.readiness = readiness
        self.log = log
        self.onChange = onChange
    }

    /// Looks once, and sets the readiness.
    func look() async -> Finding {
        loop.assertOnLoop()
        let finding = await find()
        let isThere = if case .fit = finding { true } else { false }
        if readiness.note(isDatabaseThere: isThere) {
            onChange()
            switch finding {
            case .fit: log.notice("the database is there")
            case .away(let why): log.error("there is no database to serve from", metadata: ["error": "\(why)"])
            case .unfit: break
            }
        }
        return finding
    }

    /// Looks every second until the task is cancelled, or until the database turns out to be unfit.
    ///
    /// - Returns: why it is unfit; nil when cancelled.
    func watch() async -> String? {
        while true {
            do {
                try await loop.sleep(for: Self.interval)
            } catch {
                return nil
            }
            if case .unfit(let why) = await look() { return why }
        }
    }

    private func find() async -> Finding {
        if !isVerified {
            let finding = await verify()
            guard case .fit = finding else { return finding }
        }
        beginVerifyingLogins()
        await waitForLogins()
        if let loginDefect { return .unfit(loginDefect) }
        for (owner, pool) in pools.all {
            let status = await owner.run { pool.status }
            if status.connections == 0 {
                return .away(status.outage?.debugDescription ?? "the loop \(owner.name) has no connection yet")
            }
        }
        return await lookAtVersions()
    }

    /// Ends what is under way beside the looks. To be called before the loop is shut down.
    func close() async {
        loop.assertOnLoop()
        verifying?.cancel()
        await verifying?.value
    }

    /// Looks at the other logins in a task of its own: one that takes long must not keep calls from being answered.
    private func beginVerifyingLogins() {
        guard verifying == nil, loginDefect == nil, !unverified.isEmpty, nextLogins <= loop.now else { return }
        nextLogins = loop.now.advanced(by: Self.loginPause)
        verifying = loop.spawn {
            self.loginDefect = await self.verifyLogins()
            self.verifying = nil
            self.endLoginWait()
        }
    }

    /// Once, for a moment.
    private func waitForLogins() async {
        guard !hasWaitedForLogins else { return }
        hasWaitedForLogins = true
        guard verifying != nil else { return }
        let timer = loop.schedule(after: Self.patience) { self.endLoginWait() }
        await withCheckedContinuation { loginWaiter = $0 }
        timer.cancel()
    }

    private func endLoginWait() {
        loginWaiter?.resume()
        loginWaiter = nil
    }

    /// One that cannot log in is told of and tried again: what it is for rests, and calls are answered.
    ///
    /// - Returns: why one of them must not be used.
    private func verifyLogins() async -> String? {
        var left: [Login] = []
        for login in unverified {
            do throws(StorageError) {
                try await login.duty.verify(login.configuration, on: loop)
            } catch {
                if error.code == .notReady { return "\(login.setting.rawValue): \(error.message)" }
                log.warning(
                    "a login cannot be used",
                    metadata: [
                        "setting": "\(login.setting.rawValue)",
                        "error": "\(error.cause?.debugDescription ?? error.description)",
                    ])
                left.append(login)
            }
        }
        unverified = left
        return nil
    }

    private func lookAtVersions() async -> Finding {
        do throws(StorageError) {
            let store = RegistryStore(pool: pools[loop])
            try await CallDeadline.within(loop.now.advanced(by: Self.patience)) { () async throws(StorageError) in
                try await store.verifyVersions()
            }
        } catch {
            // Whether there is a database was just looked at, and one that is slow to answer this answers calls all the same.
            if error.code == .notReady { return .unfit(error.message) }
        }
        return .fit
    }

    private func verify() async -> Finding {
        do throws(StorageError) {
            try await RegistryStore(pool: pools[loop]).verifyReadiness()
            isVerified = true
            return .fit
        } catch {
            switch error.code {
            case .notReady: return .unfit(error.message)
            case .permissionDenied: return .unfit("the login may not look at its own rights: \(error.message)")
            // What the server says while connecting holds no data of tenants, and it is all that tells a wrong password
            // from a server that is down.
            default:
                if pools[loop].status.outage?.code == .invalidValue {
                    return .unfit("database.url is not a connection string of PostgreSQL")
                }
                return .away(error.cause?.debugDescription ?? error.description)
            }
        }
    }
}
