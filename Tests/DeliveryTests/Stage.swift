import CarillonNet
import Domain
import Foundation
import Postgres
import Prometheus
import Security
import Storage
import Support
import Synchronization
import Testing
import Transfer

@testable import Delivery

/// The bootstrapped cluster that the tests of this target share; each stage has a database of its own in it, because
/// workers work every tenant of a registry.
enum SharedCluster {
    static let value = Result { () throws -> PrivateCluster in
        var options = PrivateCluster.Options()
        options.settings = ["max_connections": "400"]
        return try PrivateCluster(options)
    }
}

/// A wall clock that tests move.
final class TestClock: Sendable {
    private let instant = Mutex(Instant(seconds: 1_794_744_000))

    /// 2026-11-15T12:00:00Z at first.
    var now: Instant { instant.withLock { $0 } }

    func advance(by duration: Duration) { instant.withLock { $0 = $0.advanced(by: duration) } }
}

/// What workers said, in order.
final class EventLog: Sendable {
    private let events = Mutex<[DeliveryEvent]>([])

    func add(_ event: DeliveryEvent) { events.withLock { $0.append(event) } }
    var all: [DeliveryEvent] { events.withLock { $0 } }
    func count(_ isWanted: (DeliveryEvent) -> Bool) -> Int { all.count(where: isWanted) }
}

/// A database with one tenant, an account and a user, and workers as a test wants them.
final class Stage: @unchecked Sendable {
    static let account = AccountID(unchecked: "acme")
    static let user = UserID(unchecked: "ann")
    static let type = TypeKey(unchecked: "invoice.updated")
    private static let numbers = Atomic<UInt64>(1)
    /// Roles belong to the cluster, so its stages are set up one at a time and tenants have names of their own.
    static let setup = Mutex(())

    let loop: EventLoop
    let pool: PostgresPool
    let owner: PostgresPool
    let registry: RegistryStore
    let administration: TenantAdministration
    let serveInfo: String
    let keyring: Keyring
    let clock = TestClock()
    let log = EventLog()
    /// What its workers count.
    let metrics = MetricRegistry([])
    let store: TenantStore
    private let suffix = Stage.number()
    private let workers = Mutex<[DeliveryWorker]>([])

    init(loop: EventLoop, pool: PostgresPool, owner: PostgresPool, serveInfo: String) {
        self.loop = loop
        self.pool = pool
        self.owner = owner
        self.serveInfo = serveInfo
        keyring = Keyring(KeyEncryptionKey.generate().key)
        registry = RegistryStore(pool: pool)
        administration = TenantAdministration(pool: owner) { duration throws(CancellationError) in
            try await loop.sleep(for: duration)
        }
        store = TenantStore(tenant: TenantID(unchecked: "northwind\(suffix)"), pool: pool)
    }

    static func number() -> UInt64 { numbers.add(1, ordering: .relaxed).newValue }

    func id() -> UUIDv7 {
        UUIDv7(milliseconds: UInt64(clock.now.microseconds / 1_000), randomness: (0, Self.number()))
    }

    func stamp() -> AuditStamp { AuditStamp(id: id(), actor: "key/test", origin: "192.0.2.1 tests/1") }

    // MARK: Setting

    /// Makes a tenant; without a name the stage's own.
    @discardableResult
    func makeTenant(_ name: String? = nil) async throws -> TenantStore {
        let id = name.map { TenantID(unchecked: "\($0)\(suffix)") } ?? store.tenant
        let creation = TenantCreation(
            id: id,
            values: TenantWrite(
                displayName: "Northwind Supply", portalURL: "https://portal.northwind.example/app",
                timeZone: "Europe/Berlin", locale: "en"),
            wrappedDataKey: try keyring.makeDataKey(for: id.rawValue).wrapped, requestHash: [1])
        guard case .created = try await administration.createTenant(creation, stamp: stamp(), now: clock.now) else {
            throw PostgresError(.other, "the tenant was there")
        }
        try await administration.makeFirstMonths(tenant: creation.id, now: clock.now)
        let store = TenantStore(tenant: id, pool: pool)
        _ = try await store.upsertAccount(
            AccountWrite(id: Self.account, displayName: "Acme"), stamp: stamp(), now: clock.now)
        _ = try await store.upsertUser(
            UserWrite(
                id: Self.user, account: Self.account, displayName: "Ann Example",
                contactPoints: [ContactPoint(channel: .email, address: "ann@customer.example")]), stamp: stamp(),
            now: clock.now)
        return store
    }

    /// Connects the tenant to a relay.
    func putRelay(
        _ name: String = "relay", port: Int, priority: Int32 = 0, in store: TenantStore? = nil,
        password: String? = nil
    ) async throws {
        let store = store ?? self.store
        let settings = ProviderSettings.smtp(
            .init(
                host: "127.0.0.1", port: port, security: password == nil ? .none : .startTLS,
                username: password == nil ? "" : "carillon", fromAddress: "billing@northwind.example"))
        var secret = ProviderWrite.Secret.keep
        if let password {
            let tenant = try #require(try await registry.tenant(store.tenant))
            let key = try keyring.unwrap(tenant.wrappedDataKey, for: store.tenant.rawValue)
            secret = .set(try key.seal(Array(password.utf8), for: .providerSecret(name)))
        }
        _ = try await store.putProvider(
            ProviderWrite(
                id: ProviderID(unchecked: name), channel: .email, kind: settings.kind, priority: priority,
                config: settings.config, secret: secret), stamp: stamp(), now: clock.now)
    }

    /// A mail to be published: an invoice to the user, where nothing else is said.
    struct Letter {
        var number = "INV-1"
        var type = Stage.type
        var account = Stage.account
        var recipient = Recipient.user(Stage.user)
        var audience = Audience.customer
        var verdict = Verdict.deliver
        var life = Duration.seconds(3_600)
    }

    /// Publishes an invoice to the user, or to another recipient, by e-mail, as Services do, and returns the delivery.
    @discardableResult
    func publish(
        in store: TenantStore? = nil, type: TypeKey = Stage.type, to recipient: Recipient = .user(Stage.user),
        number: String = "INV-1", dueIn delay: Duration? = nil, lasting life: Duration = .seconds(3_600)
    ) async throws -> DeliveryID {
        let verdict: Verdict = delay.map { .defer(until: clock.now.advanced(by: $0)) } ?? .deliver
        let letter = Letter(number: number, type: type, recipient: recipient, verdict: verdict, life: life)
        return try await publish(in: store, [letter])[0]
    }

    /// Publishes many at once.
    func publish(
        in store: TenantStore? = nil, numbers: [String], _ verdict: Verdict, to user: UserID = Stage.user,
        as audience: Audience = .customer, of account: AccountID = Stage.account,
        lasting life: Duration = .seconds(3_600)
    ) async throws -> [DeliveryID] {
        try await publish(
            in: store,
            numbers.map {
                Letter(
                    number: $0, account: account, recipient: .user(user), audience: audience, verdict: verdict,
                    life: life)
            })
    }

    private func publish(in store: TenantStore?, _ letters: [Letter]) async throws -> [DeliveryID] {
        let store = store ?? self.store
        let items = letters.map { item($0, in: store) }
        for start in stride(from: 0, to: items.count, by: 500) {
            let some = Array(items[start..<min(start + 500, items.count)])
            let result = try await store.publish(some, fence: nil, now: clock.now)
            for outcome in result.outcomes {
                guard case .stored = outcome else { throw PostgresError(.other, "not stored") }
            }
        }
        return items.map { DeliveryID(notification: $0.notifications[0].id, channel: .email) }
    }

    /// A letter as Services store it.
    func item(_ letter: Letter, in store: TenantStore? = nil) -> PublishItem {
        let notification = NotificationID(id())
        let due: Instant =
            switch letter.verdict {
            case .defer(let until): until
            case .digest(let window): window.closes
            case .deliver, .suppress: clock.now
            }
        let email = NewDelivery(
            channel: .email, decision: ChannelDecision(letter.verdict, .subscribedByDefault),
            messageID: MessageIdentity.of(
                notification, on: .email, tenant: (store ?? self.store).tenant,
                portalURL: "https://portal.northwind.example/app"),
            expiresAt: due.advanced(by: letter.life))
        let event = NewEvent(
            id: EventID(id()), type: letter.type, account: letter.account, object: "invoice/\(letter.number)",
            context: Self.context(letter.number), publishedBy: "key/test", occurredAt: clock.now)
        return PublishItem(
            idempotencyKey: "\(event.id)", bodyHash: [1], keyExpiresAt: clock.now.advanced(by: .seconds(86_400)),
            pins: [], event: event,
            notifications: [
                NewNotification(
                    id: notification, recipient: letter.recipient, audience: letter.audience,
                    reason: .subscribedByDefault,
                    trace: Trace(
                        audience: letter.audience, setting: Setting(.subscribed), settingSource: .catalog, duty: nil,
                        choice: nil), deliveries: [email])
            ], response: [])
    }

    private static func context(_ number: String) -> [ContextEntry] {
        [
            ContextEntry("invoice_id", .text("i-1")), ContextEntry("invoice_number", .text(number)),
            ContextEntry("customer_id", .text("c-1")), ContextEntry("customer_name", .text("Acme")),
            ContextEntry("change_summary", .text("Shipping was waived")),
            ContextEntry("amount_due", .money(Money(minorUnits: 123_456, currency: "EUR"))),
            ContextEntry("due_date", .date(CivilDate(year: 2026, month: 12, day: 1) ?? CivilDate(daysSinceEpoch: 0))),
        ]
    }

    // MARK: Workers

    /// A worker on the stage's loop, as one process has it; the test starts it itself if it is not `started`.
    func worker(
        randomness: Double = 0, started: Bool = true, _ change: (inout DeliveryConfiguration) -> Void = { _ in }
    ) async -> DeliveryWorker {
        var database = PostgresConfiguration(connectionInfo: serveInfo)
        database.connections = 2
        var configuration = DeliveryConfiguration(database: database, keyring: keyring)
        configuration.relayAddresses = .any
        configuration.allowsMaildir = true
        change(&configuration)
        let clock = clock
        let log = log
        var environment = DeliveryEnvironment(
            now: { clock.now }, randomness: { randomness },
            makeID: { UUIDv7(milliseconds: 1_794_744_000_000, randomness: (0, Self.number())) },
            onEvent: { log.add($0) })
        environment.metrics = metrics
        let worker = DeliveryWorker(loop: loop, configuration: configuration, environment: environment)
        workers.withLock { $0.append(worker) }
        if started { await worker.start() }
        return worker
    }

    /// Ends the worker as kill -9 would: nothing more is written, nothing given back.
    func kill(_ worker: DeliveryWorker) async {
        await loop.run { await worker.perish() }
    }

    /// Changes what no login of the service may change.
    func asSuperuser(_ sql: String) async throws {
        let cluster = try SharedCluster.value.get()
        let rows = try await pool.run(Unit([Query(Statement("SELECT current_database()::text"))]))[0]
        try cluster.execute(sql, database: try #require(rows.first).text(0))
    }

    /// Lets the registry find every worker that does not renew expired.
    func expireWorkers() async throws {
        try await asSuperuser("UPDATE carillon.worker SET expires_at = '2000-01-01Z'")
    }

    /// Has a worker look at no queue by itself any more, as a process that was stopped: it learns what has happened when it goes on.
    func stopLooking(_ worker: DeliveryWorker) async {
        await loop.run { for work in worker.tenants.values { work.look?.cancel() } }
    }

    func close() async {
        for worker in workers.withLock({ $0 }) { await worker.drain(grace: .zero) }
        await owner.close()
    }

    // MARK: Seeing

    /// Waits until a condition holds; gives up after 20 seconds.
    func eventually(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ isSo: @escaping @Sendable () async throws -> Bool
    ) async throws {
        let deadline = loop.now.advanced(by: .seconds(20))
        while loop.now < deadline {
            if try await isSo() { return }
            try await loop.sleep(for: .milliseconds(5))
        }
        Issue.record("never: \(what); said: \(log.all)", sourceLocation: sourceLocation)
        throw PostgresError(.deadlineExceeded, what)
    }

    /// The state of a delivery and why.
    func state(_ id: DeliveryID, in store: TenantStore? = nil) async throws -> String {
        let rows = try await query(
            "SELECT d.state, d.state_reason FROM SCHEMA.delivery d WHERE d.notification_id = $1::uuid", in: store,
            .uuid(UUIDBytes(high: id.notification.value.high, low: id.notification.value.low)))
        let row = try #require(rows.first)
        let reason = try row.optionalText(1)
        return try row.text(0) + (reason.map { " \($0)" } ?? "")
    }

    /// The recorded attempts of a delivery: outcome, provider and code of each.
    func attempts(_ id: DeliveryID, in store: TenantStore? = nil) async throws -> [String] {
        let rows = try await query(
            """
            SELECT a.outcome, a.provider_id, a.code FROM SCHEMA.attempt a
            WHERE a.notification_id = $1::uuid ORDER BY a.number
            """, in: store, .uuid(UUIDBytes(high: id.notification.value.high, low: id.notification.value.low)))
        return try rows.map { row in
            [try row.text(0), try row.optionalText(1), try row.optionalText(2)].compactMap(\.self)
                .joined(separator: " ")
        }
    }

    @discardableResult
    func query(_ sql: String, in store: TenantStore? = nil, _ parameters: Parameter...) async throws -> ResultSet {
        let schema = "t_\((store ?? self.store).tenant)"
        let statement = Statement(sql.replacingOccurrences(of: "SCHEMA", with: schema), prepared: false)
        return try await pool.run(Unit(role: schema, [Query(statement, parameters)]))[0]
    }

    func integer(_ sql: String, in store: TenantStore? = nil) async throws -> Int64 {
        try #require(try await query(sql, in: store).first).int8(0)
    }
}

/// Runs a test on a stage with one tenant, in the shared cluster if none of its own is given.
func onStage(
    in own: PrivateCluster? = nil, _ body: @escaping @Sendable (Stage) async throws -> Void
) async throws {
    let cluster = try own ?? SharedCluster.value.get()
    let name = try cluster.makeDatabase()
    try Stage.setup.withLock { _ in _ = try cluster.execute(Bootstrap.script, database: name) }
    let serveInfo = cluster.connectionInfo(database: name, user: "carillon_serve")
    let ownerInfo = cluster.connectionInfo(database: name, user: "carillon_owner")
    try await withPool(serveInfo, configure: { $0.connections = 2 }) { pool, loop in
        var configuration = PostgresConfiguration(connectionInfo: ownerInfo)
        configuration.connections = 1
        let owner = PostgresPool(loop: loop, configuration: configuration)
        let stage = Stage(loop: loop, pool: pool, owner: owner, serveInfo: serveInfo)
        let result: Result<Void, any Error>
        do {
            _ = try await stage.administration.migrateRegistry(now: stage.clock.now)
            try await stage.makeTenant()
            try await body(stage)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await stage.close()
        try result.get()
    }
}
