internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import SwiftProtobuf

/// Changes a tenant.
struct TenantUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change a tenant: what is not given stays as it is.",
        discussion: "A limit of 0 is the installation's own. The tenant as it is afterwards is printed as JSON.")

    @Argument(help: ArgumentHelp("The tenant's id.", valueName: "id"))
    var tenant: String
    @Option(help: ArgumentHelp("The supplier's name as its customers know it.", valueName: "name"))
    var displayName: String?
    @Option(help: ArgumentHelp("Where its portal lives.", valueName: "url"))
    var portalURL: String?
    @Option(help: ArgumentHelp("Its time zone by its IANA name.", valueName: "zone"))
    var timeZone: String?
    @Option(help: ArgumentHelp("Its language as a BCP 47 tag.", valueName: "tag"))
    var locale: String?
    @Option(
        help: ArgumentHelp(
            "What plain \"Enabled\" means to those who chose nothing: opt-in or deliver.", valueName: "policy"))
    var enabledWithoutSubscription: Policy?
    @Option(help: ArgumentHelp("Months of history that are kept, 1 to 24.", valueName: "months"))
    var historyMonths: Int32?
    @Option(
        help: ArgumentHelp("The colour of its messages, such as #1F4E79; empty for the usual.", valueName: "colour"))
    var accentColor: String?
    @Option(help: ArgumentHelp("Where its logo lives; empty for none.", valueName: "url"))
    var logoURL: String?
    @Option(help: ArgumentHelp("Who stands behind its mails; \\n begins a line.", valueName: "text"))
    var imprint: String?
    @Option(help: ArgumentHelp("Calls in a second, in each process.", valueName: "number"))
    var callsPerSecond: Int32?
    @Option(help: ArgumentHelp("Events in a second, in each process.", valueName: "number"))
    var eventsPerSecond: Int32?
    @Option(help: ArgumentHelp("Rows that it stores in all.", valueName: "number"))
    var storedRows: Int64?
    @Option(help: ArgumentHelp("Streams that are open at once, in each process.", valueName: "number"))
    var openStreams: Int32?
    @Option(help: ArgumentHelp("The length of one request.", valueName: "octets"))
    var messageOctets: Int32?
    @OptionGroup var flags: OperatorFlags

    /// How a policy is named on the command line.
    enum Policy: String, ExpressibleByArgument {
        case optIn = "opt-in"
        case deliver
    }

    func run() async throws {
        let request = request
        guard !request.updateMask.paths.isEmpty else { throw ValidationError("nothing to change was given") }
        let response = try await flags.call { client, options throws(Status) in
            try await client.updateTenant(request, options: options)
        }
        try Console.say(response.tenant.pretty)
    }

    private var request: Carillon_V1_UpdateTenantRequest {
        var request = Carillon_V1_UpdateTenantRequest()
        request.tenant.tenantID = tenant
        func take<Value>(
            _ value: Value?, _ path: String, _ field: WritableKeyPath<Carillon_V1_Tenant, Value>
        ) {
            guard let value else { return }
            request.tenant[keyPath: field] = value
            request.updateMask.paths.append(path)
        }
        take(displayName, "display_name", \.displayName)
        take(portalURL, "portal_url", \.portalURL)
        take(timeZone, "time_zone", \.timeZone)
        take(locale, "locale", \.locale)
        take(
            enabledWithoutSubscription.map { $0 == .optIn ? .optIn : .deliver }, "enabled_without_subscription",
            \.enabledWithoutSubscription)
        take(historyMonths, "history_months", \.historyMonths)
        take(accentColor, "branding.accent_color", \.branding.accentColor)
        take(logoURL, "branding.logo_url", \.branding.logoURL)
        take(imprint?.replacing("\\n", with: "\n"), "branding.imprint", \.branding.imprint)
        take(callsPerSecond, "limits.calls_per_second", \.limits.callsPerSecond)
        take(eventsPerSecond, "limits.events_per_second", \.limits.eventsPerSecond)
        take(storedRows, "limits.stored_rows", \.limits.storedRows)
        take(openStreams, "limits.open_streams", \.limits.openStreams)
        take(messageOctets, "limits.message_octets", \.limits.messageOctets)
        return request
    }
}
