internal import ArgumentParser

/// The program. Each command is a file beside this one.
@main
struct CarillonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carillon",
        abstract: "The notification service behind supplier portals.",
        discussion: """
            Settings are flags, variables of the environment, or keys of a JSON file (--config); the first of the three \
            that says something wins. 'carillon serve --help' lists them all.
            """,
        version: Version.text,
        subcommands: [
            ServeCommand.self, DevCommand.self, DemoCommand.self, MigrateCommand.self, TenantCommand.self,
            DatabaseCommand.self, KeyCommand.self, ServiceCommand.self, SecretsCommand.self, AuditCommand.self,
            HealthCommand.self, VersionCommand.self,
        ])
}

/// Prints which version this is.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        Console.say("carillon \(Version.text)")
    }
}
