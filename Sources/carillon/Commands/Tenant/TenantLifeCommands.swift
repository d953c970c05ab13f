internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import SwiftProtobuf

/// Suspends a tenant.
struct TenantSuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Refuse a tenant's calls and hold its work; nothing is lost.")

    @Argument(help: ArgumentHelp("The tenant's id.", valueName: "id"))
    var tenant: String
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var request = Carillon_V1_SuspendTenantRequest()
        request.tenantID = tenant
        _ = try await flags.call { [request] client, options throws(Status) in
            try await client.suspendTenant(request, options: options)
        }
        Console.note("\(tenant) is suspended")
    }
}

/// Serves a tenant again.
struct TenantResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Serve a tenant again that was suspended, or deleted and not erased yet.")

    @Argument(help: ArgumentHelp("The tenant's id.", valueName: "id"))
    var tenant: String
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        var request = Carillon_V1_ResumeTenantRequest()
        request.tenantID = tenant
        _ = try await flags.call { [request] client, options throws(Status) in
            try await client.resumeTenant(request, options: options)
        }
        Console.note("\(tenant) is served")
    }
}

/// Deletes a tenant.
struct TenantDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Refuse a tenant's calls, and erase it when the grace period is over.",
        discussion: """
            The schema, the role, the keys, the waiting work and the key of its secrets go. Until then 'carillon tenant resume' \
            brings it back. It is deleted as it is now: if it is changed at the same time, nothing happens.
            """)

    @Argument(help: ArgumentHelp("The tenant's id.", valueName: "id"))
    var tenant: String
    @Option(help: ArgumentHelp("The tenant's id once more, so that none is deleted by mistake.", valueName: "id"))
    var confirm: String
    @Option(help: ArgumentHelp("Days until it is erased, 0 to 90; default: 7.", valueName: "days"))
    var graceDays: Int?
    @OptionGroup var flags: OperatorFlags

    func validate() throws {
        guard confirm == tenant else { throw ValidationError("--confirm does not name the same tenant") }
        guard (0...90).contains(graceDays ?? 7) else { throw ValidationError("--grace-days is not 0 to 90") }
    }

    func run() async throws {
        var request = Carillon_V1_DeleteTenantRequest()
        request.tenantID = tenant
        request.etag = try await flags.tenant(tenant).etag
        if let graceDays { request.gracePeriod.seconds = Int64(graceDays) * 86_400 }
        let response = try await flags.call { [request] client, options throws(Status) in
            try await client.deleteTenant(request, options: options)
        }
        let end = Instant(seconds: response.tenant.eraseTime.seconds)
        Console.note("\(tenant) is refused from now on and erased at \(end)")
    }
}
