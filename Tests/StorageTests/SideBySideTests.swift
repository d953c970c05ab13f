import CarillonNet
import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// Programs of version N (1) and N+1 (2) serve the same tenants while these are migrated: row 16 of the fault matrix.
@Suite struct SideBySideTests {
    /// What one program has done.
    private final class Ledger: Sendable {
        private let state = Mutex((acknowledged: [TenantID: [UUIDv7]](), errors: [String]()))

        func acknowledge(_ id: UUIDv7, _ tenant: TenantID) {
            state.withLock { $0.acknowledged[tenant, default: []].append(id) }
        }

        func fail(_ error: any Error, _ tenant: TenantID) {
            let why = (error as? PostgresError)?.debugDescription ?? "\(error)"
            state.withLock { $0.errors.append("\(tenant): \(why)") }
        }

        func acknowledged(_ tenant: TenantID) -> [UUIDv7] { state.withLock { $0.acknowledged[tenant] ?? [] } }
        var errors: [String] { state.withLock { $0.errors } }
    }

    private static let provider = ProviderID(unchecked: "relay")

    /// A serving pool whose statements never wait for a lock longer than a migration may keep it from them.
    private static func strict(_ configuration: inout PostgresConfiguration) {
        configuration.connections = 2
        configuration.connectTimeout = Fixture.patience
        configuration.lockTimeout = .milliseconds(200)
    }

    @Test func bothVersionsServeWhileTenantsAreMigrated() async throws {
        try await withMigrationStage { stage in
            let (fixture, version1) = (stage.fixture, stage.version1)
            try version1.makeRegistry()
            let tenants = try (0..<16).map { _ in try version1.makeTenant() }
            let (old, new) = (Ledger(), Ledger())
            let end = StopRequest()
            let serve = fixture.connectionInfos.serve
            let now = fixture.now
            // Each program has threads and connections of its own.
            let oldProgram = Task.detached {
                try await withPool(serve, configure: Self.strict) { pool, loop in
                    await Self.onEach(tenants) { tenant in
                        let audit = Version1Audit(SchemaName(tenant))
                        let store = TenantStore(tenant: tenant, pool: pool)
                        while !end.isRequested {
                            await Self.serve(asVersion1: store, audit, pool, old, now)
                            await Task.yield()
                        }
                    }
                }
            }
            await Self.wait { !old.errors.isEmpty || tenants.allSatisfy { !old.acknowledged($0).isEmpty } }

            // The registry first: newer programs need it.
            _ = try await stage.migrator().migrateRegistry(now: now)

            // N+1 begins to serve a tenant when it is at its version, which is what the order of a deployment gives: here
            // it does so while the tenants after it are still migrated.
            let newProgram = Task.detached {
                try await withPool(serve, configure: Self.strict) { pool, loop in
                    let registry = RegistryStore(pool: pool)
                    await Self.onEach(tenants) { tenant in
                        let store = TenantStore(tenant: tenant, pool: pool)
                        do {
                            while try await registry.tenant(tenant)?.schemaVersion != TenantSchema.version,
                                !end.isRequested
                            {
                                await Task.yield()
                            }
                        } catch { new.fail(error, tenant) }
                        while !end.isRequested {
                            await Self.serve(asNewest: store, new, now)
                            await Task.yield()
                        }
                    }
                }
            }
            let report = try await stage.migrator().migrateTenants(now: now)
            #expect([report.migrated, report.failed] == [tenants.count, 0])
            let seen = tenants.map { old.acknowledged($0).count }
            await Self.wait {
                !old.errors.isEmpty || !new.errors.isEmpty
                    || zip(tenants, seen).allSatisfy { tenant, before in
                        old.acknowledged(tenant).count >= before + 3 && new.acknowledged(tenant).count >= 3
                    }
            }
            end.request()
            try await oldProgram.value
            try await newProgram.value

            #expect(old.errors == [])
            #expect(new.errors == [])
            for tenant in tenants {
                let rows = try stage.cluster.execute(
                    "SELECT audit_id FROM t_\(tenant).audit", database: stage.database)
                let stored = Set(rows.compactMap { $0[0] })
                let promised = (old.acknowledged(tenant) + new.acknowledged(tenant)).map(\.description)
                #expect(stored == Set(promised), "each write that was acknowledged is there, and no other")
            }
        }
    }

    private static func onEach(_ tenants: [TenantID], _ body: @escaping @Sendable (TenantID) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for tenant in tenants { group.addTask { await body(tenant) } }
        }
    }

    /// A change and a look, as version 1 makes them.
    private static func serve(
        asVersion1 store: TenantStore, _ audit: Version1Audit, _ pool: PostgresPool, _ ledger: Ledger, _ now: Instant
    ) async {
        let id = freshID(now)
        do {
            let change: [Query] = [
                Query(store.settings.touchAccounts, [.textArray([""])]),
                Query(audit.provider, [.uuid(id), .text("key/old"), .text(provider), .text("{}")]),
            ]
            _ = try await pool.run(Unit(role: store.schema.text, change))
            ledger.acknowledge(id, store.tenant)
            let page = [Query(audit.page, [.uuid(UUIDBytes(high: .max, low: .max)), .int8(5)])]
            _ = try await pool.run(Unit(role: store.schema.text, page))
        } catch {
            ledger.fail(error, store.tenant)
        }
    }

    /// The same, as this version makes them.
    private static func serve(asNewest store: TenantStore, _ ledger: Ledger, _ now: Instant) async {
        let stamp = AuditStamp(id: freshID(now), actor: "key/new", origin: "")
        do {
            _ = try await store.putProvider(
                ProviderWrite(id: provider, channel: .email, kind: "maildir", displayName: "\(stamp.id)"), stamp: stamp,
                now: now)
            ledger.acknowledge(stamp.id, store.tenant)
            _ = try await store.audit(size: 5)
        } catch {
            ledger.fail(error, store.tenant)
        }
    }

    private static func freshID(_ now: Instant) -> UUIDv7 {
        UUIDv7(milliseconds: UInt64(now.microseconds / 1_000), randomness: (Fixture.number() >> 62, Fixture.number()))
    }

    /// Lets both programs go on until something is so.
    private static func wait(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }
}
