internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC

/// Onboards a tenant through the API.
struct TenantCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Onboard a supplier and print its first API key.",
        discussion: """
            The key is the only thing that goes to the standard output, and it is shown this once. The same command again \
            finds the tenant made and prints no key.
            """)

    @Argument(help: ArgumentHelp("A small letter, then 2 to 24 small letters and digits.", valueName: "id"))
    var tenant: String
    @Option(help: ArgumentHelp("The supplier's name as its customers know it.", valueName: "name"))
    var displayName: String
    @Option(help: ArgumentHelp("Where its portal lives; links in notifications begin with it.", valueName: "url"))
    var portalURL: String
    @Option(help: ArgumentHelp("Its time zone by its IANA name; default: UTC.", valueName: "zone"))
    var timeZone = ""
    @Option(help: ArgumentHelp("Its language as a BCP 47 tag; default: en.", valueName: "tag"))
    var locale = ""
    @Option(
        help: ArgumentHelp(
            "The database to put it into; default: main. See 'carillon database list'.", valueName: "name"))
    var database = ""
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var request = Carillon_V1_CreateTenantRequest()
        request.tenant.tenantID = tenant
        request.tenant.displayName = displayName
        request.tenant.portalURL = portalURL
        request.tenant.timeZone = timeZone
        request.tenant.locale = locale
        request.database = database
        let response = try await flags.call { [request] client, options throws(Status) in
            try await client.createTenant(request, options: options)
        }
        if response.replayed {
            Console.note("\(tenant) is there already, made by the same request; its key was shown then")
        } else {
            Console.note("\(tenant) is onboarded and can publish; its key \(response.apiKey.keyID) is shown this once:")
            Console.say(response.apiKeySecret)
        }
    }
}
