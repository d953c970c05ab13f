internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Foundation
internal import SwiftProtobuf

/// Lists all tenants.
struct TenantListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List all tenants: id, state, database, name.",
        discussion: """
            One line for each tenant, with tabs between the columns. While a tenant is held for a move, the database has an \
            arrow to the one that it moves to.
            """)

    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var token = ""
        repeat {
            var request = Carillon_V1_ListTenantsRequest()
            request.pageSize = 1000
            request.pageToken = token
            let page = try await flags.call { [request] client, options throws(Status) in
                try await client.listTenants(request, options: options)
            }
            for tenant in page.tenants {
                Console.say(
                    [tenant.tenantID, tenant.state.word, tenant.home, PlainText.of(tenant.displayName)]
                        .joined(separator: "\t"))
            }
            token = page.nextPageToken
        } while !token.isEmpty
    }
}

/// Shows one tenant.
struct TenantGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Show a tenant, as the API's JSON.",
        discussion: "What it has stored goes to the other output: rows and octets, and when they were counted.")

    @Argument(help: ArgumentHelp("The tenant's id.", valueName: "id"))
    var tenant: String
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        let response = try await flags.tenantWithUsage(tenant)
        try Console.say(response.tenant.pretty)
        guard response.hasUsage else { return Console.note("stored: not counted yet") }
        let (usage, time) = (response.usage, Instant(seconds: response.usage.countTime.seconds))
        Console.note("stored: \(usage.storedRows) rows, \(usage.storedOctets) octets, counted at \(time)")
    }
}

extension OperatorFlags {
    /// A tenant as it is now.
    func tenant(_ id: String) async throws -> Carillon_V1_Tenant { try await tenantWithUsage(id).tenant }

    /// A tenant as it is now, with what it has stored.
    func tenantWithUsage(_ id: String) async throws -> Carillon_V1_GetTenantResponse {
        var request = Carillon_V1_GetTenantRequest()
        request.tenantID = id
        return try await call { [request] client, options throws(Status) in
            try await client.getTenant(request, options: options)
        }
    }
}

extension Carillon_V1_TenantState {
    /// One word for a list.
    var word: String {
        switch self {
        case .creating: "creating"
        case .active: "active"
        case .suspended: "suspended"
        case .deleting: "deleting"
        case .unspecified, .UNRECOGNIZED: "unknown"
        }
    }
}

extension Carillon_V1_Tenant {
    /// Where it lives, and where it is moved to, for a list.
    var home: String { movingTo.isEmpty || movingTo == database ? database : "\(database)->\(movingTo)" }

    /// The message as JSON, one field a line.
    var pretty: String {
        get throws {
            var options = JSONEncodingOptions()
            options.preserveProtoFieldNames = true
            let text = try jsonString(options: options)
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
            let form: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try JSONSerialization.data(withJSONObject: object, options: form), as: UTF8.self)
        }
    }
}
