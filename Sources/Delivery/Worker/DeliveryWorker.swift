package import CarillonNet
package import Domain
internal import Postgres
internal import Rendering
internal import Storage
internal import Telemetry
internal import Transfer

/// Sends what the queues of all tenants hold: claim → decide again → render → provider → record.
///
/// One for each process, on a loop of its own, with its own connections. The workers of all processes share the tenants
/// among them through leases; see the essay of this module.
///
/// Safe as `@unchecked Sendable` because all state is confined to `loop`, whose entries assert it, but for the box of
/// ``wake(_:)``, which has a lock.
package final class DeliveryWorker: @unchecked Sendable {
    enum Phase {
        case idle
        case running
        case draining
        case closed
    }

    /// Everything that exists while the worker runs.
    struct Connections {
        let pool: PostgresPool
        /// Those with further databases that tenants are in.
        let databases: DatabasePools
        let registry: RegistryStore
        let teller: FactsTeller
        let transfer: TransferClient
    }

    let loop: EventLoop
    let configuration: DeliveryConfiguration
    let environment: DeliveryEnvironment
    let renderer = Renderer()
    /// What was decided at the second look.
    let decisions: DecisionCounters
    private let wakes = WakeBox(limit: hintLimit)
    /// How many tenants are kept in mind as having work, in each of the sets that hold hints.
    private static let hintLimit = 4_096

    var phase = Phase.idle
    var connections: Connections?
    var lease: WorkerLease?
    var leaseTimer: LoopTimer?
    /// The id of this spell in the registry, once joined.
    var identity: UUIDv7?
    /// How many tenants the next renewal may take.
    var wanted = 0
    /// How the registry stood at the last renewal.
    var census: (workers: Int64, tenants: Int64)?

    var tenants: [TenantID: TenantWork] = [:]
    /// Tenants that were let go while words on them were still on their way. Such a tenant is not worked under a new fence
    /// before, or what was sent would be sent again.
    var parting: [TenantID: [TenantWork]] = [:]
    /// Leases that are to be given back when nothing of their tenants is left: those are not to be worked.
    var owed: [TenantID: TenantLease] = [:]
    var givenBack = GivenBackLeases()
    var turns: TurnRing<TenantID>
    /// Places for sends that are taken or spoken for.
    var placesTaken = 0
    var claimsUnderWay = 0
    /// How many deliveries of all tenants go out with another one.
    var companions = 0
    /// Whether some tenant's expired idempotency keys are being forgotten.
    var isForgettingKeys = false

    /// Tenants that we were woken for and do not work: to be told to others.
    var strangers: Set<TenantID> = []
    /// Tenants that others were heard to have work for, and that we do not work: perhaps nobody does.
    var rumours: Set<TenantID> = []
    /// Tenants of both sorts that turned out to be somebody else's since the last regular renewal.
    var knownStrangers: Set<TenantID> = []
    var pollTimer: LoopTimer?
    var lastPoll: Instant?

    var drainWaiter: CheckedContinuation<Void, Never>?

    /// Makes a worker; nothing happens before ``start()``. Any thread.
    ///
    /// - Parameters:
    ///   - loop: where it runs: best a loop of its own, for rendering takes time.
    ///   - configuration: what it works with.
    ///   - environment: time, chance, ids, and who listens.
    package init(loop: EventLoop, configuration: DeliveryConfiguration, environment: DeliveryEnvironment) {
        self.loop = loop
        self.configuration = configuration
        self.environment = environment
        decisions = DecisionCounters(.send, environment.metrics)
        turns = TurnRing(quantum: configuration.turn)
    }

    /// Connects and begins to work. Any thread; returns before anything is leased. The database may be away: the worker
    /// goes on trying.
    package func start() async {
        await loop.run { self.begin() }
    }

    /// Says that a tenant has work that is due, after the commit. Any thread; cheap, and harmless when it is not so.
    package func wake(_ tenant: TenantID) {
        if wakes.put(tenant) { loop.execute { self.takeWakes() } }
    }

    private func begin() {
        loop.assertOnLoop()
        guard phase == .idle else { return }
        phase = .running
        let pool = PostgresPool(loop: loop, configuration: configuration.database)
        let registry = RegistryStore(pool: pool)
        connections = Connections(
            pool: pool, databases: DatabasePools(loop: loop, main: pool, configuration: configuration.database),
            registry: registry, teller: FactsTeller(loop: loop, registry: registry),
            transfer: TransferClient(
                loop: loop,
                limits: TransferLimits(
                    transfers: configuration.sends, transfersPerDestination: configuration.sendsPerTenant,
                    queued: configuration.sends)))
        if configuration.takesWork {
            lease = WorkerLease(terms: configuration.lease, now: loop.now)
            lookAtLease()
        }
        poll()
        // What was said before the start: nobody would be told of anything while it lay in the box.
        takeWakes()
    }

    // MARK: Hints

    /// Ends as if the process were killed: nothing more is written, nothing is given back. For tests of what others make
    /// of it.
    func perish() async {
        loop.assertOnLoop()
        guard phase != .closed else { return }
        phase = .closed
        pollTimer?.cancel()
        leaseTimer?.cancel()
        lease?.leave()
        forgetAll()
        connections?.transfer.close()
        await connections?.databases.close()
        await connections?.pool.close()
    }

    /// Forgets every tenant and every word.
    func forgetAll() {
        for work in Array(tenants.values) + parting.values.joined() {
            work.recorder.perish()
            work.letGo(cutsOff: true)
        }
        tenants = [:]
        parting = [:]
    }

    private func takeWakes() {
        loop.assertOnLoop()
        guard phase == .running else { return }
        let contents = wakes.take()
        for tenant in contents.tenants { heardOfWork(of: tenant, isOurs: true) }
        // Hints that found no room were for some tenant or other.
        if contents.isOverfull { for tenant in tenants.keys { turns.enter(tenant) } }
        if !perhapsFree.isEmpty { hurryLease() }
        arrange()
    }

    /// Somebody said that a tenant has work.
    ///
    /// - Parameter isOurs: whether the hint was given in this process, so that others have to be told if it is theirs.
    func heardOfWork(of tenant: TenantID, isOurs: Bool) {
        if let work = tenants[tenant] {
            work.pace.foundWork()
            work.expectsWork = true
            turns.enter(tenant)
        } else if isOurs {
            if strangers.count < Self.hintLimit { strangers.insert(tenant) }
        } else if rumours.count < Self.hintLimit {
            rumours.insert(tenant)
        }
    }

    /// Tenants with work that nobody may be working.
    var perhapsFree: Set<TenantID> { strangers.union(rumours).subtracting(knownStrangers) }
}
