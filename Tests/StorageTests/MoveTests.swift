import CarillonNet
import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// What becomes of others' work on a tenant that is moved, or was. The command itself is tested end to end.
@Suite struct MoveTests {
    /// How often somebody was asked where a tenant is.
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    /// The store of a tenant that is not in the registry's database any more, and the pool of where it is.
    private static func moved(
        _ fixture: Fixture, _ count: Count, _ answer: @escaping @Sendable (PostgresPool) -> TenantStore.Whereabouts,
        _ body: (TenantStore, PostgresPool) async throws -> Void
    ) async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let name = try SharedDatabase.bootstrappedDatabase()
        let tenant = try await fixture.tenant().tenant
        var configuration = PostgresConfiguration(
            connectionInfo: cluster.connectionInfo(database: name, user: "carillon_owner"))
        configuration.connections = 1
        configuration.connectTimeout = Fixture.patience
        let owner = PostgresPool(loop: fixture.loop, configuration: configuration)
        configuration.connectionInfo = cluster.connectionInfo(database: name, user: "carillon_serve")
        let there = PostgresPool(loop: fixture.loop, configuration: configuration)
        _ = try await owner.run(
            Unit(
                (TenantSchema.creation(SchemaName(tenant), now: fixture.now)
                    + TenantSchema.partitions(SchemaName(tenant), Month(containing: fixture.now))).map { Query($0) }))
        _ = try await fixture.owner.run(Unit([Query(CopyStatements.shut(SchemaName(tenant)))]))
        let store = TenantStore(tenant: tenant, pool: fixture.serve) {
            count.value.add(1, ordering: .relaxed)
            return answer(there)
        }
        try await body(store, there)
        await owner.close()
        await there.close()
    }

    @Test func aTenantThatWasMovedIsFoundAndTheUnitRunsThere() async throws {
        try await withStorage { fixture in
            let count = Count()
            try await Self.moved(fixture, count, { .at($0) }) { store, there in
                let account = AccountWrite(id: AccountID(unchecked: "acme"))
                _ = try await store.upsertAccount(account, stamp: fixture.stamp(), now: fixture.now)
                #expect(store.pool === there)
                let found = try await TenantStore(tenant: store.tenant, pool: there).account(account.id)
                #expect(found?.id == account.id)
                // From now on it is known.
                _ = try await store.account(account.id)
                #expect(count.value.load(ordering: .relaxed) == 1)
            }
        }
    }

    @Test func aTenantThatIsHeldIsToldFromOneThatIsRefused() async throws {
        try await withStorage { fixture in
            let answers: [(@Sendable (PostgresPool) -> TenantStore.Whereabouts, StorageError.Code)] = [
                ({ _ in .held }, .tenantHeld), ({ _ in .unknown }, .permissionDenied),
                // Where it was before: the refusal stands.
                ({ [serve = fixture.serve] _ in .at(serve) }, .permissionDenied),
            ]
            for (answer, code) in answers {
                let count = Count()
                try await Self.moved(fixture, count, answer) { store, _ in
                    let error = try await storageError { () async throws(StorageError) in try await store.audit(size: 1)
                    }
                    #expect(error.code == code)
                    #expect(!error.isCommitUnknown)
                    #expect(count.value.load(ordering: .relaxed) == 1)
                }
            }
        }
    }

    /// Roles of other clusters, schemas that are gone: all mean that the tenant may be elsewhere; other failures do not.
    @Test func onlyRefusalsOfTheTenantLetItBeSearched() async throws {
        try await withStorage { fixture in
            let count = Count()
            func store(_ id: TenantID) -> TenantStore {
                TenantStore(tenant: id, pool: fixture.serve) {
                    count.value.add(1, ordering: .relaxed)
                    return .unknown
                }
            }
            let nobody = store(Fixture.tenantID())
            let noRole = try await storageError { () async throws(StorageError) in try await nobody.audit(size: 1) }
            #expect(noRole.code == .permissionDenied)
            let tenant = try await fixture.tenant().tenant
            _ = try await fixture.owner.run(Unit([Query(PlacementStatements.dropSchema(SchemaName(tenant)))]))
            let gone = store(tenant)
            let noSchema = try await storageError { () async throws(StorageError) in try await gone.audit(size: 1) }
            #expect(noSchema.code == .notReady)
            #expect(count.value.load(ordering: .relaxed) == 2)
            let other = store(try await fixture.tenant().tenant)
            let missing = UserWrite(id: UserID(unchecked: "ann"), account: AccountID(unchecked: "none"))
            _ = try await storageError { () async throws(StorageError) in
                try await other.upsertUser(missing, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(count.value.load(ordering: .relaxed) == 2)
        }
    }

    private static func beginMove(_ tenant: TenantID, _ fixture: Fixture) async throws {
        let parameters: [Parameter] = [
            .text(tenant), .text("main"), .text("main"), .text(MoveStage.copying.rawValue), .text("owner"),
            .timestamp(fixture.now), .uuid(fixture.stamp().id),
        ]
        _ = try await fixture.owner.run(Unit([Query(MoveStatements.begin, parameters)]))
    }

    @Test func aTenantThatIsBeingMovedIsErasedLater() async throws {
        try await withOwnRegistry { fixture, _ in
            let tenant = try await fixture.tenant().tenant
            let record = try #require(try await fixture.registry.tenant(tenant))
            _ = try await fixture.administration.turn(
                record, to: .delete(at: fixture.now), stamp: fixture.stamp(), now: fixture.now)
            try await Self.beginMove(tenant, fixture)
            #expect(try await fixture.administration.move(of: tenant)?.stage == .copying)
            let later = fixture.now.adding(seconds: 600)
            #expect(try await fixture.administration.tenantsToErase(now: later, limit: 10).isEmpty)
            let error = try await storageError { () async throws(StorageError) in
                try await fixture.administration.eraseTenant(tenant, stamp: fixture.stamp(), now: later)
            }
            #expect(error.code == .revisionMismatch)
            _ = try await fixture.owner.run(Unit([Query(MoveStatements.end, [.text(tenant)])]))
            #expect(try await fixture.administration.tenantsToErase(now: later, limit: 10).map(\.id) == [tenant])
            try await fixture.administration.eraseTenant(tenant, stamp: fixture.stamp(), now: later)
            #expect(try await fixture.registry.tenant(tenant) == nil)
        }
    }

    /// What is changed at one place would be missing at the other.
    @Test func aTenantThatIsBeingMovedIsNotMigrated() async throws {
        try await withOwnRegistry { fixture, database in
            let tenant = try await fixture.tenant().tenant
            try await Self.beginMove(tenant, fixture)
            let cluster = try SharedDatabase.sharedCluster()
            try cluster.execute("UPDATE carillon.tenant SET schema_version = 1", database: database)
            let said = Mutex<[String]>([])
            var options = Migrator.Options()
            options.onEvent = { event in
                guard case .failed(_, let error) = event else { return }
                said.withLock { $0.append(error.description) }
            }
            let loop = fixture.loop
            let migrator = Migrator(registry: fixture.ownerPool(connections: 5), options: options) {
                pause throws(CancellationError) in
                try await loop.sleep(for: pause)
            }
            #expect(try await migrator.migrateTenants(now: fixture.now).failed == 1)
            #expect(said.withLock { $0.count == 1 && $0[0].contains("it is being moved to another database") })
            _ = try await fixture.owner.run(Unit([Query(MoveStatements.end, [.text(tenant)])]))
            #expect(try await migrator.migrateTenants(now: fixture.now).migrated == 1)
        }
    }
}
