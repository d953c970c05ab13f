import CarillonAPI
import CarillonGRPC
import Domain
import Testing

@Suite("CatalogService")
struct CatalogServiceTests {
    @Test("types are listed in the order of their keys, by filter and page")
    func types() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var request = Carillon_V1_ListNotificationTypesRequest()
            request.pageSize = 100
            var keys: [String] = []
            repeat {
                let page = try await tenant.catalog.listNotificationTypes(request)
                keys += page.notificationTypes.map(\.notificationType)
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(keys.count == Catalog.builtIn.types.count)
            #expect(keys == keys.sorted())

            request = .init()
            request.category = "Invoices"
            request.kind = .reminder
            request.audience = .customer
            request.pageSize = 1000
            let reminders = try await tenant.catalog.listNotificationTypes(request).notificationTypes
            #expect(!reminders.isEmpty)
            #expect(reminders.allSatisfy { $0.category == "Invoices" && $0.kind == .reminder })
            #expect(reminders.allSatisfy { $0.audiences.contains(.customer) })
            request.category = "No such thing"
            #expect(try await tenant.catalog.listNotificationTypes(request).notificationTypes.isEmpty)
            request.kind = .UNRECOGNIZED(77)
            try await failure(.invalidArgument, fields: ["kind"]) {
                try await tenant.catalog.listNotificationTypes(request)
            }
        }
    }

    @Test("one type with its variables, or NOT_FOUND")
    func oneType() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var request = Carillon_V1_GetNotificationTypeRequest()
            request.notificationType = "invoice.created"
            let type = try await tenant.catalog.getNotificationType(request).notificationType
            #expect(
                type.variables.contains {
                    $0.name == "invoice_total" && $0.type == .money && $0.sensitivity == .financial
                })
            #expect(type.channels == [.email, .inApp])
            #expect(type.customerDeepLink == "/invoices/{invoice_id}")
            for unknown in ["invoice.unknown", "nonsense"] {
                request.notificationType = unknown
                try await failure(.notFound, "NOTIFICATION_TYPE_UNKNOWN") {
                    try await tenant.catalog.getNotificationType(request)
                }
            }
            request.notificationType = "a\u{0}"
            try await failure(.invalidArgument) { try await tenant.catalog.getNotificationType(request) }
        }
    }

    @Test("settings are the catalog's, for each type and audience")
    func settings() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var request = Carillon_V1_GetSettingsRequest()
            let all = try await tenant.catalog.getSettings(request)
            let terms = Catalog.builtIn.types.map { type in Audience.allCases.count { type.audiences[$0] != nil } }
            #expect(all.settings.count == terms.reduce(0, +))
            #expect(all.settings.allSatisfy { $0.source == .catalog })
            #expect(!all.etag.isEmpty)
            request.notificationType = "invoice.created"
            let invoice = try await tenant.catalog.getSettings(request).settings
            #expect(invoice.map(\.audience) == [.customer, .internalTeam])
            #expect(invoice[0].preset == .mandatoryOne && invoice[0].mandatory == .atLeastOne)
            #expect(invoice[0].othersSubscribed)
            request.notificationType = "no.such"
            try await failure(.notFound, "NOTIFICATION_TYPE_UNKNOWN") { try await tenant.catalog.getSettings(request) }

            request = .init()
            request.audience = .internalTeam
            request.pageSize = 100
            var seen = 0
            repeat {
                let page = try await tenant.catalog.getSettings(request)
                seen += page.settings.count
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(seen == all.settings.count { $0.audience == .internalTeam })
        }
    }
}
