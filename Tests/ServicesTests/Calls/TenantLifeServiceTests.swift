import CarillonAPI
import CarillonGRPC
import Domain
import Storage
import Support
import SwiftProtobuf
import Testing

@testable import Services

@Suite("TenantService: the life of a tenant")
struct TenantLifeServiceTests {
    private static func get(_ tenants: TenantServiceClient, _ id: String) async throws -> Carillon_V1_Tenant {
        var request = Carillon_V1_GetTenantRequest()
        request.tenantID = id
        return try await tenants.getTenant(request).tenant
    }

    @Test("what the mask names changes, and nothing else")
    func update() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            let id = try await house.tenant().id
            var request = Carillon_V1_UpdateTenantRequest()
            request.tenant.tenantID = id
            request.tenant.displayName = "Southwind"
            request.tenant.timeZone = "Asia/Tokyo"
            request.tenant.branding.accentColor = "#102030"
            request.tenant.limits.callsPerSecond = 7
            request.tenant.limits.storedRows = 9
            request.updateMask.paths = ["time_zone", "branding", "limits.stored_rows"]
            let changed = try await tenants.updateTenant(request).tenant
            #expect(changed.timeZone == "Asia/Tokyo")
            #expect(changed.branding.accentColor == "#102030")
            #expect(changed.limits.storedRows == 9 && changed.limits.callsPerSecond == 0)
            #expect(changed.displayName == "Northwind Supply" && changed.portalURL == "https://portal.example.com")
            #expect(changed.historyMonths == 4 && changed.database == "main")
            #expect(try await Self.get(tenants, id) == changed)

            // The same once more changes nothing: neither the etag nor the audit.
            let database = try await TestDatabase.shared()
            func lines() throws -> [[String?]] {
                try database.cluster.execute(
                    "SELECT count(*) FROM carillon.audit WHERE chain = '\(id)'", database: database.name)
            }
            let before = try lines()
            house.clock.advance(seconds: 1)
            #expect(try await tenants.updateTenant(request).tenant == changed)
            #expect(try lines() == before)

            // Without a mask: all that is set, and only that.
            request.clearUpdateMask()
            let all = try await tenants.updateTenant(request).tenant
            #expect(all.displayName == "Southwind" && all.limits.callsPerSecond == 7)
            #expect(all.portalURL == "https://portal.example.com")
            #expect(all.etag != changed.etag)

            // A named field that is not set goes back to what it is by itself.
            var reset = Carillon_V1_UpdateTenantRequest()
            reset.tenant.tenantID = id
            reset.tenant.etag = all.etag
            reset.updateMask.paths = ["limits", "branding.accent_color", "time_zone"]
            let plain = try await tenants.updateTenant(reset).tenant
            #expect(plain.limits == Carillon_V1_TenantLimits() && plain.branding.accentColor.isEmpty)
            #expect(plain.timeZone == "UTC")

            try await failure(.aborted, "ETAG_MISMATCH") { try await tenants.updateTenant(reset) }
            #expect(try await Self.get(tenants, id) == plain)
        }
    }

    @Test("every wrong value of a change is named at once, and nothing is changed")
    func validation() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            let id = try await house.tenant().id
            let before = try await Self.get(tenants, id)
            var request = Carillon_V1_UpdateTenantRequest()
            request.tenant.tenantID = id
            request.tenant.historyMonths = 25
            request.tenant.branding.accentColor = "red"
            request.tenant.branding.logoURL = "http://logo.example/x.png"
            request.tenant.branding.imprint = "a\u{0}b"
            request.tenant.limits.callsPerSecond = -1
            request.tenant.limits.eventsPerSecond = 1_000_001
            request.tenant.limits.storedRows = -1
            request.tenant.limits.openStreams = -1
            request.tenant.limits.messageOctets = 1
            let status = try await failure(.invalidArgument, "FIELD_INVALID") {
                try await tenants.updateTenant(request)
            }
            let prefix = "tenant."
            #expect(
                status.fields
                    == [
                        "history_months", "branding.accent_color", "branding.logo_url", "branding.imprint",
                        "limits.calls_per_second", "limits.events_per_second", "limits.open_streams",
                        "limits.stored_rows", "limits.message_octets",
                    ].map { prefix + $0 })
            var wrongMask = Carillon_V1_UpdateTenantRequest()
            wrongMask.tenant.tenantID = id
            wrongMask.updateMask.paths = ["display_name", "state", "nonsense"]
            let mask = try await failure(.invalidArgument) { try await tenants.updateTenant(wrongMask) }
            #expect(mask.fields == ["update_mask.paths[1]", "update_mask.paths[2]"])
            wrongMask.updateMask.paths = ["display_name"]
            try await failure(.invalidArgument) { try await tenants.updateTenant(wrongMask) }
            #expect(try await Self.get(tenants, id) == before)
        }
    }

    @Test("a suspended tenant is refused on every loop at once, its watchers too, and served again when resumed")
    func suspension() async throws {
        try await House.open(loops: 2) { house in
            let tenants = try house.operatorClient()
            let tenant = try await house.tenant()
            var clients: [AccountServiceClient] = []
            for _ in 0..<4 { clients.append(AccountServiceClient(try house.client(tenant.key))) }
            var account = Carillon_V1_UpsertAccountRequest()
            account.account.accountID = "acme"
            for client in clients { _ = try await client.upsertAccount(account) }

            var request = Carillon_V1_SuspendTenantRequest()
            request.tenantID = tenant.id
            let suspended = try await tenants.suspendTenant(request).tenant
            #expect(suspended.state == .suspended)
            for client in clients {
                try await failure(.permissionDenied, "TENANT_SUSPENDED") { try await client.upsertAccount(account) }
            }
            #expect(try await tenants.suspendTenant(request).tenant == suspended, "again it changes nothing")

            var resume = Carillon_V1_ResumeTenantRequest()
            resume.tenantID = tenant.id
            resume.etag = suspended.etag
            let resumed = try await tenants.resumeTenant(resume).tenant
            #expect(resumed.state == .active)
            for client in clients { _ = try await client.upsertAccount(account) }
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenants.resumeTenant(resume) }
            resume.etag = resumed.etag
            #expect(try await tenants.resumeTenant(resume).tenant == resumed)
        }
    }

    @Test("a tenant is deleted with its etag only, can be resumed until it is erased, and is refused meanwhile")
    func deletion() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            let tenant = try await house.tenant()
            let before = try await Self.get(tenants, tenant.id)
            var request = Carillon_V1_DeleteTenantRequest()
            request.tenantID = tenant.id
            let missing = try await failure(.invalidArgument) { try await tenants.deleteTenant(request) }
            #expect(missing.fields == ["etag"])
            request.etag = "999"
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenants.deleteTenant(request) }
            request.etag = before.etag
            request.gracePeriod.seconds = 91 * 86_400
            try await failure(.invalidArgument) { try await tenants.deleteTenant(request) }
            request.clearGracePeriod()
            let deleted = try await tenants.deleteTenant(request).tenant
            #expect(deleted.state == .deleting)
            #expect(deleted.eraseTime.seconds == house.clock.now.seconds + 7 * 86_400)
            let accounts = AccountServiceClient(try house.client(tenant.key))
            var account = Carillon_V1_UpsertAccountRequest()
            account.account.accountID = "acme"
            try await failure(.permissionDenied, "TENANT_DELETING") { try await accounts.upsertAccount(account) }
            var suspend = Carillon_V1_SuspendTenantRequest()
            suspend.tenantID = tenant.id
            try await failure(.failedPrecondition, "TENANT_DELETING") { try await tenants.suspendTenant(suspend) }

            var resume = Carillon_V1_ResumeTenantRequest()
            resume.tenantID = tenant.id
            let resumed = try await tenants.resumeTenant(resume).tenant
            #expect(resumed.state == .active && !resumed.hasEraseTime)
            _ = try await accounts.upsertAccount(account)

            request.etag = resumed.etag
            request.gracePeriod.seconds = 60
            _ = try await tenants.deleteTenant(request)
            house.clock.advance(seconds: 60)
            try await failure(.failedPrecondition, "TENANT_DELETING") { try await tenants.resumeTenant(resume) }
        }
    }

    @Test("only operators do any of it, and of no tenant that is not there")
    func operatorsOnly() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let own = TenantServiceClient(try house.client(tenant.key))
            let nobody = try house.operatorClient()
            var update = Carillon_V1_UpdateTenantRequest()
            var suspend = Carillon_V1_SuspendTenantRequest()
            var resume = Carillon_V1_ResumeTenantRequest()
            var delete = Carillon_V1_DeleteTenantRequest()
            (update.tenant.tenantID, suspend.tenantID, resume.tenantID, delete.tenantID) = (
                tenant.id, tenant.id, tenant.id, tenant.id
            )
            delete.etag = "1"
            try await failure(.permissionDenied) { try await own.updateTenant(update) }
            try await failure(.permissionDenied) { try await own.suspendTenant(suspend) }
            try await failure(.permissionDenied) { try await own.resumeTenant(resume) }
            try await failure(.permissionDenied) { try await own.deleteTenant(delete) }
            let unknown = House.tenantID()
            (update.tenant.tenantID, suspend.tenantID, resume.tenantID, delete.tenantID) = (
                unknown, unknown, unknown, unknown
            )
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await nobody.updateTenant(update) }
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await nobody.suspendTenant(suspend) }
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await nobody.resumeTenant(resume) }
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await nobody.deleteTenant(delete) }
        }
    }
}
