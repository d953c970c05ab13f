import CarillonAPI
import CarillonGRPC
import Testing

@testable import Services

@Suite("An import whose caller leaves it lying")
struct TransferIdleTests {
    @Test("ends, gives its place to others, and keeps nothing")
    func idleImport() async throws {
        try await House.open(limits: {
            $0.transferIdle = .milliseconds(50)
            $0.transfersOfTenants = 1
        }) { house in
            let tenants = try house.operatorClient()
            let source = try await house.tenant()
            // The database's own time does not count: an export goes, however long it takes.
            var export = Carillon_V1_ExportTenantRequest()
            export.tenantID = source.id
            var parts: [Carillon_V1_TenantArchivePart] = []
            for try await response in try await tenants.exportTenant(export) { parts.append(response.part) }
            #expect(parts.count > 10)

            let id = House.tenantID()
            parts[0].header.tenantID = id
            for _ in 1...2 {
                let (writer, reader) = try await tenants.importTenant()
                var request = Carillon_V1_ImportTenantRequest()
                request.part = parts[0]
                try await writer.send(request)
                try await failure(.deadlineExceeded, "TRANSFER_IDLE") {
                    for try await _ in reader {}
                }
            }
            var get = Carillon_V1_GetTenantRequest()
            get.tenantID = id
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await tenants.getTenant(get) }
        }
    }
}
