internal import ArgumentParser
internal import Domain
internal import Foundation
internal import Logging
internal import Security
internal import Storage

/// Commands about the keys that seal the tenants' secrets.
struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Make and rotate the key that seals the tenants' secrets.",
        subcommands: [SecretsGenerateCommand.self, SecretsRotateCommand.self])
}

/// Makes a key-encryption key.
struct SecretsGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Print a new line of a key file: a random key-encryption key.",
        discussion: """
            Keep the file apart from the database and its backups, and keep a copy: without it no provider's password can be \
            read any more.
            """)

    func run() {
        Console.say(KeyEncryptionKey.generate().line)
    }
}

/// Wraps every tenant's data key with the first key of the key file.
struct SecretsRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Wrap every tenant's data key with the first key of the key file.",
        discussion: """
            To change the key-encryption key while servers run:
              1. add a new line (carillon secrets generate) below the old one to the key file of every server, and start the \
            servers anew one by one: now all of them can open what it wraps;
              2. move it above the old one, in the same way: now new tenants' keys are wrapped by it;
              3. carillon secrets rotate, with the same file;
              4. when carillon secrets rotate --check says so, take the old line out.
            A single server that stands still for the change needs no step 1.

            It can be broken off and run again at any moment, and by several at once. What a data key has sealed stays as it is.

            Exit status: 0 when every data key is wrapped by the first key, 1 when some are not.
            """)

    @Flag(help: "Only count which key wraps how many data keys, and change nothing.")
    var check = false

    @OptionGroup var flags: SecretsFlags

    func run() async throws {
        let (owner, keyring, level) = try configured { () throws(ConfigurationMistakes) in
            var reader = flags.reader()
            let settings = (
                reader.requiredText(.databaseOwnerURL), ServeSettings.keyring(&reader), reader.logLevel()
            )
            try reader.finish()
            return settings
        }
        guard let owner, let keyring else { preconditionFailure("a setting is missing and nobody said so") }
        let check = check
        let outcome = try await OwnerWork.command(as: owner, "secrets", level: level) { work throws(StorageError) in
            try await KeyRotation.run(keyring, changes: !check, by: work.administration) {
                Console.note("wrapped \($0) of \($1) data keys anew")
            }
        }
        for line in outcome.lines { Console.say(line) }
        for tenant in outcome.closed.prefix(20) {
            Console.note("carillon: the data key of \(tenant.rawValue) does not open")
        }
        if !outcome.isDone { throw ExitCode.failure }
    }
}

/// The settings of `secrets rotate`.
struct SecretsFlags: SettingFlags {
    @Option(.databaseOwnerURL) var databaseOwnerURL: String?
    @Option(.secretsKeyFile) var secretsKeyFile: String?
    @Option(.logLevel) var logLevel: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] {
        [
            .databaseOwnerURL: databaseOwnerURL, .secretsKeyFile: secretsKeyFile, .logLevel: logLevel,
            .config: config,
        ]
    }
}
