import CarillonAPI
import CarillonGRPC
import CarillonNet
import Domain
import Postgres
import Storage
import Support
import SwiftProtobuf
import Testing

@testable import Services

@Suite("What is left of an erased tenant in processes that knew it")
struct ErasedTenantTests {
    /// Deletes a tenant without grace, and does what maintenance does for it.
    static func erase(_ tenant: TestTenant, of house: House) async throws {
        let tenants = try house.operatorClient()
        var get = Carillon_V1_GetTenantRequest()
        get.tenantID = tenant.id
        var delete = Carillon_V1_DeleteTenantRequest()
        delete.tenantID = tenant.id
        delete.etag = try await tenants.getTenant(get).tenant.etag
        delete.gracePeriod.seconds = 0
        _ = try await tenants.deleteTenant(delete)
        let id = try #require(TenantID(tenant.id))
        let now = house.clock.now
        try await withAdministration { administration in
            let stamp = AuditStamp(id: UUIDv7(milliseconds: 1, randomness: (1, 1)), actor: "test", origin: "")
            try await administration.eraseTenant(id, stamp: stamp, now: now)
        }
    }

    /// Administration as a process with the owner's login has it.
    static func withAdministration(
        _ body: @escaping @Sendable (TenantAdministration) async throws -> Void
    ) async throws {
        let owner = try await TestDatabase.shared().owner
        try await withPool(owner, configure: { $0.connectTimeout = TestDatabase.patience }) { pool, loop in
            try await body(
                TenantAdministration(pool: pool) { pause throws(CancellationError) in
                    try await loop.sleep(for: pause)
                })
        }
    }

    @Test("a process lets go of what it keeps of it, and of nobody else")
    func isForgotten() async throws {
        try await House.open(loops: 2) { house in
            let (gone, stays) = (try await house.tenant(), try await house.tenant())
            for tenant in [gone, stays] { try await tenant.account("acme") }
            let core = house.services.core
            let before = await core.countKept()
            #expect(before.gates == 2 && before.scopes >= 2)
            func forget() async throws {
                let loop = core.all[0].0
                try await loop.run { try await core.forgetErased(on: loop) }
            }
            try await forget()
            #expect(await core.countKept() == before, "both are there")
            try await Self.erase(gone, of: house)
            try await forget()
            let after = await core.countKept()
            #expect(after.gates == 1 && after.scopes >= 1 && after.scopes < before.scopes)
            // Its key opens nothing any more, and the other's does.
            try await failure(.unauthenticated) { try await gone.account("acme") }
            try await stays.account("acme")
        }
    }

    @Test("nobody gets its id while another process may still believe in its keys")
    func idIsReserved() async throws {
        try await House.open { here in
            try await House.open { there in
                let tenant = try await here.tenant()
                // A second process has let the key in a moment ago, and does not hear of anything.
                let old = AccountServiceClient(try there.client(tenant.key))
                var account = Carillon_V1_UpsertAccountRequest()
                account.account.accountID = "acme"
                _ = try await old.upsertAccount(account)
                try await Self.erase(tenant, of: here)

                var again = Carillon_V1_CreateTenantRequest()
                again.tenant.tenantID = tenant.id
                again.tenant.displayName = "Somebody else"
                again.tenant.portalURL = "https://portal.example.com"
                let tenants = try here.operatorClient()
                let refused = try await failure(.failedPrecondition, "TENANT_ID_RESERVED") {
                    try await tenants.createTenant(again)
                }
                let pause = try #require(refused.retryDelay)
                #expect(pause == TenantAdministration.idReservation)
                #expect(pause > here.services.core.limits.credentialAge)
                // What the other process believes in leads nowhere meanwhile.
                _ = try? await old.upsertAccount(account)

                here.clock.advance(seconds: 120)
                let made = try await tenants.createTenant(again)
                #expect(!made.replayed && !made.apiKeySecret.isEmpty)
            }
        }
    }
}
