internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Delivery
internal import Foundation
internal import Logging
internal import Postgres
internal import Prometheus
internal import Services
internal import StandardServices
internal import Storage
internal import Transfer

/// A whole server: loops, connections to the database, the services, the worker, and the port.
///
/// States: made (loops and pools, nothing taken) → listening → draining → over. What is made first is ended last, so that
/// whatever is under way finds what it needs.
final class Server: Sendable {
    /// The port that calls are taken on.
    var port: UInt16 { rpc.port }

    private let settings: ServeSettings
    private let log: Logger
    private let parts: Parts
    private let rpc: RPCServer
    private let connectionLog: ConnectionLog
    private let metrics: MetricsListener?
    private let tlsWatch: TLSWatch
    /// Tasks that go on until the end.
    private let errands: [Task<Void, Never>]

    /// What a server is made of, in the order in which it is made.
    private struct Parts: Sendable {
        let loops: [EventLoop]
        let deliveryLoop: EventLoop
        let pools: PerLoop<PostgresPool>
        let owner: OwnerPools?
        let maintainer: Maintainer?
        let worker: DeliveryWorker
        let services: Services
        let readiness: Readiness
        let health: HealthService
        let reflection: ReflectionService?
        let watch: DatabaseWatch
        let registry: MetricRegistry
    }

    // MARK: The start

    /// Starts a server. It takes calls when this returns, also while there is no database: then it answers UNAVAILABLE
    /// and heals by itself.
    ///
    /// - Parameter onUnfit: called if a database that was away turns out not to be set up for serving.
    /// - Throws: ``ServeTrouble``.
    static func start(
        _ settings: ServeSettings, log: Logger, onUnfit: @escaping @Sendable (String) -> Void
    ) async throws(ServeTrouble) -> Server {
        let parts = await makeParts(settings, log)
        let connectionLog = ConnectionLog(log)
        let rpc: RPCServer
        let metrics: MetricsListener?
        do throws(ServeTrouble) {
            let finding = await parts.loops[0].run { await parts.watch.look() }
            if case .unfit(let why) = finding { throw .unfit(why) }
            metrics = try await showMetrics(settings, parts, connectionLog)
            do throws(ServeTrouble) {
                rpc = try await listen(settings, parts, connectionLog)
            } catch {
                await metrics?.stop()
                throw error
            }
        } catch {
            await end(parts)
            throw error
        }
        await parts.worker.start()
        let server = Server(settings, log, connectionLog, parts, rpc, metrics, onUnfit: onUnfit)
        do throws(ServeTrouble) {
            try server.announce()
            return server
        } catch {
            await server.drain()
            throw error
        }
    }

    private init(
        _ settings: ServeSettings, _ log: Logger, _ connectionLog: ConnectionLog, _ parts: Parts, _ rpc: RPCServer,
        _ metrics: MetricsListener?, onUnfit: @escaping @Sendable (String) -> Void
    ) {
        (self.settings, self.log, self.parts, self.rpc) = (settings, log, parts, rpc)
        self.connectionLog = connectionLog
        self.metrics = metrics
        let sources = MetricSources(
            rpc: rpc, services: parts.services, worker: parts.worker, readiness: parts.readiness, startedAt: Clock.now,
            factsLimit: settings.factsOctets)
        parts.registry.add { await sources.readings() }
        let loop = parts.loops[0]
        tlsWatch = TLSWatch(settings.tls, on: loop) { log.report($0) }
        let watching = loop.spawn {
            if let why = await parts.watch.watch() { onUnfit(why) }
        }
        let keeping = parts.maintainer.map { maintainer in loop.spawn { await maintainer.run() } }
        let migrating = parts.owner.map { owner in
            loop.spawn { await StragglerKeeper.run(on: loop, owner.stragglers, log: log) }
        }
        let makingMonths = parts.owner.map { owner in
            loop.spawn { await MonthKeeper.run(on: loop, owner.calls.administration, log: log) }
        }
        let counting = loop.spawn { await connectionLog.run(on: loop) }
        let crediting = loop.spawn { await parts.services.keepCredentials(on: loop) }
        let hearing = loop.spawn { await parts.services.keepFacts(on: loop) }
        errands = [watching, counting, crediting, hearing] + [keeping, migrating, makingMonths].compactMap(\.self)
    }

    private static func makeParts(_ settings: ServeSettings, _ log: Logger) async -> Parts {
        let loops = (0..<settings.loops).map { EventLoop(name: "loop-\($0)") }
        let deliveryLoop = EventLoop(name: "delivery")
        var serving = PostgresConfiguration(connectionInfo: settings.database)
        serving.connections = settings.connections
        serving.preparedStatements = settings.preparedStatements
        serving.rolesPerSession = tenantsPerSession
        // Half an hour: the next session has to plan anew for all tenants that are still busy, a second of its time for 2,000.
        serving.leastSessionAge = .seconds(1800)
        serving.onEvent = { log.report($0, login: "serve") }
        var made: [PostgresPool] = []
        for loop in loops {
            made.append(await loop.run { [serving] in PostgresPool(loop: loop, configuration: serving) })
        }
        var next = made.makeIterator()
        let pools = PerLoop(loops) { _ in next.next().unsafelyUnwrapped }
        let readiness = Readiness()
        let owner: OwnerPools? =
            if let database = settings.owner { await OwnerPools.make(database, on: loops[0], log) } else { nil }
        let registry = MetricRegistry(MetricCatalog.families)
        let news = WorkerNews()
        let worker = makeWorker(
            settings, on: deliveryLoop, in: workerEnvironment(registry, news, log), log)
        let maintainer = owner.map { owner in
            Maintainer(
                loop: loops[0], owner.upkeep.administration, login: OwnerPools.session(settings.owner ?? ""), log: log)
        }
        let services = makeServices(
            settings, pools, serving,
            owner.map { owner in
                .init(
                    loop: loops[0], administration: owner.calls.administration,
                    session: OwnerPools.session(settings.owner ?? ""))
            }, worker, maintainer, MonthAlarm(log), registry)
        news.connect(services)
        let names = services.methods.serviceNames
        let health = HealthService(
            loops: loops, services: names + (settings.isReflectionEnabled ? ReflectionService.names : [])
        ) { readiness.isReady }
        let watch = DatabaseWatch(
            loop: loops[0], pools: pools, logins: logins(settings), readiness: readiness, log: log
        ) { health.changed() }
        return Parts(
            loops: loops, deliveryLoop: deliveryLoop, pools: pools, owner: owner, maintainer: maintainer,
            worker: worker, services: services, readiness: readiness, health: health,
            reflection: settings.isReflectionEnabled ? makeReflection(loops, names + [HealthService.name]) : nil,
            watch: watch, registry: registry)
    }

    /// As many tenants as a backend remembers the tables of in some 64 MB: 12 KB for each of about twenty. It may be more while a
    /// session is young (``PostgresConfiguration/leastSessionAge``).
    static let tenantsPerSession = 250

    private static func makeReflection(_ loops: [EventLoop], _ names: [String]) -> ReflectionService {
        guard let descriptors = DescriptorSet(base64: CarillonDescriptors.base64) else {
            preconditionFailure("the descriptors in this program do not parse: make generate")
        }
        return ReflectionService(loops: loops, descriptors: descriptors, services: names)
    }

    private static func makeServices(
        _ settings: ServeSettings, _ pools: PerLoop<PostgresPool>, _ serving: PostgresConfiguration,
        _ owner: ServiceDependencies.Owner?, _ worker: DeliveryWorker, _ maintainer: Maintainer?,
        _ alarm: MonthAlarm, _ registry: MetricRegistry
    ) -> Services {
        var limits = ServiceLimits()
        limits.allowsMaildir = settings.allowsMaildir
        limits.callsPerTenant = settings.callsPerTenant
        limits.streamsPerTenant = settings.streamsPerTenant
        limits.factsOctets = settings.factsOctets / settings.loops
        limits.callRate = settings.callRatePerTenant
        limits.eventRate = settings.eventRatePerTenant
        limits.storedRows = settings.rowsPerTenant
        limits.allowsPrivateRelays = settings.relayAddresses == .any
        var dependencies = ServiceDependencies(
            pools: pools, owner: owner, operatorKey: settings.operatorKey, keyring: settings.keyring,
            deliverySignal: WorkerSignal(worker), clock: { Clock.now }, limits: limits)
        dependencies.databases = serving
        dependencies.publicURL = settings.publicURL
        dependencies.program = "carillon \(Version.text)"
        if let maintainer { dependencies.maintenanceSignal = { maintainer.hurry() } }
        dependencies.monthMissing = { alarm.raise($0) }
        dependencies.metrics = registry
        return Services(dependencies)
    }

    /// What a worker is given: the time, chance, and whoever hears of what it does.
    private static func workerEnvironment(
        _ registry: MetricRegistry, _ news: WorkerNews, _ log: Logger
    ) -> DeliveryEnvironment {
        let counters = DeliveryCounters(registry)
        var environment = DeliveryEnvironment(
            now: { Clock.now }, randomness: { Double.random(in: 0..<1) }, makeID: { Clock.freshID },
            onEvent: { event in
                counters.count(event)
                log.report(event)
                news.hear(event)
            })
        environment.metrics = registry
        environment.onRefusedAddresses = { news.hear(of: $1, of: $0) }
        return environment
    }

    private static func makeWorker(
        _ settings: ServeSettings, on loop: EventLoop, in environment: DeliveryEnvironment, _ log: Logger
    ) -> DeliveryWorker {
        var database = PostgresConfiguration(connectionInfo: settings.workerDatabase ?? settings.database)
        database.connections = settings.connections
        database.rolesPerSession = tenantsPerSession
        database.applicationName = "carillon worker"
        database.onEvent = { log.report($0, login: "worker") }
        var configuration = DeliveryConfiguration(database: database, keyring: settings.keyring)
        configuration.takesWork = settings.isWorkerEnabled
        configuration.relayAddresses = settings.relayAddresses
        configuration.trustedCertificates = settings.relayCA
        configuration.hostName = settings.relayHostName
        configuration.publicURL = settings.publicURL
        configuration.allowsMaildir = settings.allowsMaildir
        return DeliveryWorker(loop: loop, configuration: configuration, environment: environment)
    }

    /// The logins that are used beside the serving one.
    private static func logins(_ settings: ServeSettings) -> [DatabaseWatch.Login] {
        var logins: [DatabaseWatch.Login] = []
        if let worker = settings.workerDatabase {
            logins.append(
                .init(
                    duty: .work, configuration: PostgresConfiguration(connectionInfo: worker),
                    setting: .databaseWorkerURL))
        }
        if let owner = settings.owner {
            logins.append(
                .init(
                    duty: .own, configuration: PostgresConfiguration(connectionInfo: owner), setting: .databaseOwnerURL)
            )
        }
        return logins
    }

    private static func listen(
        _ settings: ServeSettings, _ parts: Parts, _ log: ConnectionLog
    ) async throws(ServeTrouble) -> RPCServer {
        do {
            return try await RPCServer.start(
                on: parts.loops, host: settings.listen.host, port: settings.listen.port, tls: settings.tls,
                methods: parts.services.methods + parts.health.methods + (parts.reflection?.methods ?? []),
                pages: pages(parts.readiness) + parts.services.pages, limits: settings.limits,
                report: { log.report($0) })
        } catch {
            throw .unavailable("cannot take calls on \(settings.listen): \(error)")
        }
    }

    private static func showMetrics(
        _ settings: ServeSettings, _ parts: Parts, _ log: ConnectionLog
    ) async throws(ServeTrouble) -> MetricsListener? {
        guard let metrics = settings.metrics else { return nil }
        return try await MetricsListener.start(metrics, tls: settings.tls, parts.registry, log)
    }

    /// `/livez` says that the loop of the asking connection turns, `/readyz` that calls can be answered. A process without
    /// a database is alive: starting it again would not bring the database back.
    private static func pages(_ readiness: Readiness) -> [CarillonGRPC.Page] {
        [
            CarillonGRPC.Page("/livez") { .init(status: 200, text: "alive\n") },
            CarillonGRPC.Page("/readyz") {
                .init(status: readiness.isReady ? 200 : 503, text: readiness.word + "\n")
            },
        ]
    }

    private func announce() throws(ServeTrouble) {
        if let file = settings.portFile {
            do throws(FileTrouble) {
                try KeptFile.write("\(port)", to: URL(filePath: file), for: .everybody)
            } catch {
                throw .unavailable("\(error)")
            }
        }
        log.notice(
            "listening",
            metadata: [
                "host": "\(settings.listen.host)", "port": .stringConvertible(port),
                "loops": .stringConvertible(settings.loops), "worker": .stringConvertible(settings.isWorkerEnabled),
                "version": "\(Version.text)",
            ])
        guard let metrics, let listen = settings.metrics?.listen else { return }
        log.notice(
            "showing metrics", metadata: ["host": "\(listen.host)", "port": .stringConvertible(metrics.port)])
    }

    // MARK: The end

    /// Lets everything that is under way finish, within the grace period, and ends all threads. Called once.
    func drain() async {
        log.notice("draining", metadata: ["grace_s": .stringConvertible(settings.drainGrace.components.seconds)])
        // First of all nobody is sent here any more; then the streams end that would not end by themselves.
        parts.readiness.beginDraining()
        await parts.health.beginDrain()
        await parts.reflection?.beginDrain()
        await parts.services.beginDrain()
        await tlsWatch.stop()
        for errand in errands { errand.cancel() }
        async let worker: Void = parts.worker.drain(grace: settings.drainGrace)
        await rpc.drain(grace: settings.drainGrace)
        await worker
        for errand in errands { await errand.value }
        await parts.loops[0].run { await self.parts.services.endKeeping() }
        // Until here the drain can be watched.
        await metrics?.stop()
        connectionLog.tellSuppressed(all: true)
        await Self.end(parts)
        log.notice("over")
    }

    private static func end(_ parts: Parts) async {
        await parts.loops[0].run { await parts.watch.close() }
        await parts.services.close()
        for (loop, pool) in parts.pools.all { await loop.run { await pool.close() } }
        if let owner = parts.owner { await parts.loops[0].run { await owner.close() } }
        for loop in parts.loops + [parts.deliveryLoop] { await loop.shutDown() }
    }
}
