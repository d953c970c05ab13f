internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Security

/// Commands about tenants.
struct TenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "Onboard tenants, and carry them between installations.",
        subcommands: [TenantCreateCommand.self, TenantExportCommand.self, TenantImportCommand.self])
}

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
    @OptionGroup var flags: TenantFlags

    func run() async throws {
        let (settings, key) = try configured { () throws(ConfigurationMistakes) in
            var reader = flags.reader()
            let key = ServeSettings.operatorKey(&reader)
            let settings = try CallSettings(reader)
            return (settings, key)
        }
        var request = Carillon_V1_CreateTenantRequest()
        request.tenant.tenantID = tenant
        request.tenant.displayName = displayName
        request.tenant.portalURL = portalURL
        request.tenant.timeZone = timeZone
        request.tenant.locale = locale
        let result = await Calls.with(settings, authorization: key?.text) { [request] client throws(Status) in
            try await TenantServiceClient(client).createTenant(request, options: CallOptions(timeout: .seconds(30)))
        }
        switch result {
        case .success(let response) where response.replayed:
            Console.note("\(tenant) is there already, made by the same request; its key was shown then")
        case .success(let response):
            Console.note("\(tenant) is onboarded and can publish; its key \(response.apiKey.keyID) is shown this once:")
            Console.say(response.apiKeySecret)
        case .failure(let status):
            throw Console.fail(StatusText.of(status), with: status.code == .unavailable ? .unavailable : .failure)
        }
    }
}

/// The settings of commands that call as the operator.
struct TenantFlags: SettingFlags {
    @Option(.address) var address: String?
    @Option(.ca) var ca: String?
    @Option(.clientCertificate) var clientCertificate: String?
    @Option(.clientKey) var clientKey: String?
    @Option(.operatorKeyFile) var operatorKeyFile: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] {
        [
            .address: address, .ca: ca, .clientCertificate: clientCertificate, .clientKey: clientKey,
            .operatorKeyFile: operatorKeyFile, .config: config,
        ]
    }
}
