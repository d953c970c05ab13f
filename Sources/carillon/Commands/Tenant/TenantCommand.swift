internal import ArgumentParser

/// Commands about tenants: all but moving through the API.
struct TenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "Onboard tenants, look after them, and see them off.",
        subcommands: [
            TenantCreateCommand.self, TenantListCommand.self, TenantGetCommand.self, TenantUpdateCommand.self,
            TenantSuspendCommand.self, TenantResumeCommand.self, TenantDeleteCommand.self, TenantExportCommand.self,
            TenantImportCommand.self, TenantMoveCommand.self,
        ])
}
