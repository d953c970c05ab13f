internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC

/// Commands about internal services.
struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Register internal services, which call with a certificate instead of a key.",
        subcommands: [ServicePutCommand.self, ServiceListCommand.self, ServiceDeleteCommand.self])
}

/// Registers a service through the API.
struct ServicePutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Register a service by its SPIFFE id, or replace what it may do.")

    @Argument(help: ArgumentHelp("The SPIFFE id in its certificate.", valueName: "spiffe-id")) var id: String
    @Option(help: ArgumentHelp("What to call it.", valueName: "name")) var displayName: String
    @Option(name: .customLong("scope"), help: ArgumentHelp("What it may do; may be repeated.", valueName: "scope"))
    var scopes: [Carillon_V1_AccessScope]
    @Option(
        name: .customLong("tenant"),
        help: ArgumentHelp("A tenant it may act for; may be repeated.", valueName: "tenant"))
    var tenants: [String] = []
    @Flag(help: "It may act for every tenant.") var allTenants = false
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var request = Carillon_V1_PutServiceIdentityRequest()
        request.serviceIdentity.spiffeID = id
        request.serviceIdentity.displayName = displayName
        request.serviceIdentity.scopes = scopes
        request.serviceIdentity.tenantIds = tenants
        request.serviceIdentity.allTenants = allTenants
        let response = try await flags.call { [request] client, options throws(Status) in
            try await client.putServiceIdentity(request, options: options)
        }
        Console.note("\(id) is \(response.created ? "registered" : "changed")")
    }
}

/// Lists services through the API.
struct ServiceListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the registered services.")

    @Flag(help: "Print a line of JSON for each service.") var json = false
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        let services = try await flags.call { client, options throws(Status) in
            try await ListForm.all { token throws(Status) in
                var request = Carillon_V1_ListServiceIdentitiesRequest()
                request.pageToken = token
                let page = try await client.listServiceIdentities(request, options: options)
                return (page.serviceIdentities, page.nextPageToken)
            }
        }
        if json { return try ListForm.say(json: services) }
        var table = TextTable("SPIFFE ID", "NAME", "SCOPES", "TENANTS", "CHANGED")
        for service in services {
            table.add([
                service.spiffeID, service.displayName, service.scopes.map(\.argument).joined(separator: " "),
                service.allTenants ? "all" : service.tenantIds.isEmpty ? "-" : service.tenantIds.joined(separator: " "),
                ListForm.time(service.updateTime),
            ])
        }
        Console.say(table.text)
    }
}

/// Takes a service off the registry through the API.
struct ServiceDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "End what a service may do.")

    @Argument(help: ArgumentHelp("The SPIFFE id in its certificate.", valueName: "spiffe-id")) var id: String
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var request = Carillon_V1_DeleteServiceIdentityRequest()
        request.spiffeID = id
        _ = try await flags.call { [request] client, options throws(Status) in
            try await client.deleteServiceIdentity(request, options: options)
        }
        Console.note("\(id) is no longer registered; every process refuses it within 60 seconds")
    }
}
