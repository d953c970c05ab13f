internal import ArgumentParser
internal import Foundation
internal import Logging

/// The flags of a command that are settings. They are texts here, so that a wrong number is told together with
/// everything else that is wrong.
protocol SettingFlags: ParsableArguments {
    /// What was given.
    var given: [SettingKey: String?] { get }
}

extension SettingFlags {
    /// The settings of this command line, the environment and the file that they name.
    func reader() -> SettingsReader {
        SettingsReader(flags: given.compactMapValues(\.self), environment: ProcessInfo.processInfo.environment)
    }
}

/// Reads settings, or says everything that is wrong with them and ends the command.
func configured<Settings>(_ read: () throws(ConfigurationMistakes) -> Settings) throws -> Settings {
    do {
        return try read()
    } catch {
        throw Console.fail(error, with: .usage)
    }
}

extension Option where Value == String? {
    /// An option for a setting, with its name and help from the one table of settings.
    init(_ key: SettingKey) {
        self.init(name: .customLong(key.flag), help: key.help, completion: .none)
    }
}

/// The settings of `serve`.
struct ServeFlags: SettingFlags {
    @Option(.listen) var listen: String?
    @Option(.tlsCertificate) var tlsCertificate: String?
    @Option(.tlsKey) var tlsKey: String?
    @Option(.tlsClientCA) var tlsClientCA: String?
    @Option(.tlsClientCertificates) var tlsClientCertificates: String?
    @Option(.tlsTicketKeys) var tlsTicketKeys: String?
    @Option(.databaseURL) var databaseURL: String?
    @Option(.databaseWorkerURL) var databaseWorkerURL: String?
    @Option(.databaseOwnerURL) var databaseOwnerURL: String?
    @Option(.databaseConnections) var databaseConnections: String?
    @Option(.databasePreparedStatements) var databasePreparedStatements: String?
    @Option(.operatorKeyFile) var operatorKeyFile: String?
    @Option(.secretsKeyFile) var secretsKeyFile: String?
    @Option(.loops) var loops: String?
    @Option(.workerEnabled) var workerEnabled: String?
    @Option(.publicURL) var publicURL: String?
    @Option(.relayAddresses) var relayAddresses: String?
    @Option(.relayCA) var relayCA: String?
    @Option(.relayHostName) var relayHostName: String?
    @Option(.allowsMaildir) var allowsMaildir: String?
    @Option(.drainGrace) var drainGrace: String?
    @Option(.maxAge) var maxAge: String?
    @Option(.maxAgeGrace) var maxAgeGrace: String?
    @Option(.maxIdle) var maxIdle: String?
    @Option(.keepaliveTime) var keepaliveTime: String?
    @Option(.keepaliveTimeout) var keepaliveTimeout: String?
    @Option(.pingInterval) var pingInterval: String?
    @Option(.maxHandshakeRate) var maxHandshakeRate: String?
    @Option(.maxConnections) var maxConnections: String?
    @Option(.maxStreams) var maxStreams: String?
    @Option(.maxMessage) var maxMessage: String?
    @Option(.maxTenantCalls) var maxTenantCalls: String?
    @Option(.maxTenantStreams) var maxTenantStreams: String?
    @Option(.factsMemory) var factsMemory: String?
    @Option(.maxTenantCallRate) var maxTenantCallRate: String?
    @Option(.maxTenantEventRate) var maxTenantEventRate: String?
    @Option(.maxTenantRows) var maxTenantRows: String?
    @Option(.reflectionEnabled) var reflectionEnabled: String?
    @Option(.metricsListen) var metricsListen: String?
    @Option(.metricsKeyFile) var metricsKeyFile: String?
    @Option(.portFile) var portFile: String?
    @Option(.logLevel) var logLevel: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] {
        [
            .listen: listen, .tlsCertificate: tlsCertificate, .tlsKey: tlsKey, .tlsClientCA: tlsClientCA,
            .tlsClientCertificates: tlsClientCertificates, .tlsTicketKeys: tlsTicketKeys, .databaseURL: databaseURL,
            .databaseWorkerURL: databaseWorkerURL, .databaseOwnerURL: databaseOwnerURL,
            .databaseConnections: databaseConnections, .databasePreparedStatements: databasePreparedStatements,
            .operatorKeyFile: operatorKeyFile, .secretsKeyFile: secretsKeyFile, .loops: loops,
            .workerEnabled: workerEnabled, .publicURL: publicURL, .relayAddresses: relayAddresses, .relayCA: relayCA,
            .relayHostName: relayHostName, .allowsMaildir: allowsMaildir, .drainGrace: drainGrace,
            .maxAge: maxAge, .maxAgeGrace: maxAgeGrace, .maxIdle: maxIdle, .keepaliveTime: keepaliveTime,
            .keepaliveTimeout: keepaliveTimeout, .pingInterval: pingInterval, .maxHandshakeRate: maxHandshakeRate,
            .maxConnections: maxConnections, .maxStreams: maxStreams, .maxMessage: maxMessage,
            .maxTenantCalls: maxTenantCalls, .maxTenantStreams: maxTenantStreams, .factsMemory: factsMemory,
            .maxTenantCallRate: maxTenantCallRate, .maxTenantEventRate: maxTenantEventRate,
            .maxTenantRows: maxTenantRows,
            .reflectionEnabled: reflectionEnabled, .metricsListen: metricsListen, .metricsKeyFile: metricsKeyFile,
            .portFile: portFile, .logLevel: logLevel, .config: config,
        ]
    }
}

/// The settings of commands that do nothing but work as the owner of the databases.
struct OwnerFlags: SettingFlags {
    @Option(.databaseOwnerURL) var databaseOwnerURL: String?
    @Option(.logLevel) var logLevel: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] { [.databaseOwnerURL: databaseOwnerURL, .logLevel: logLevel, .config: config] }

    /// The owner's connection string and what is logged, or says what is wrong with the settings and ends the command.
    func login() throws -> (owner: String, level: Logger.Level) {
        let (owner, level) = try configured { () throws(ConfigurationMistakes) in
            var reader = reader()
            let settings = (reader.requiredText(.databaseOwnerURL), reader.logLevel())
            try reader.finish()
            return settings
        }
        guard let owner else { preconditionFailure("a setting is missing and nobody said so") }
        return (owner, level)
    }
}

/// The settings of commands about databases.
struct DatabaseFlags: SettingFlags {
    @Option(.databaseURL) var databaseURL: String?
    @Option(.databaseOwnerURL) var databaseOwnerURL: String?
    @Option(.logLevel) var logLevel: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] {
        [.databaseURL: databaseURL, .databaseOwnerURL: databaseOwnerURL, .logLevel: logLevel, .config: config]
    }
}

/// The settings of commands that call a server.
struct CallFlags: SettingFlags {
    @Option(.address) var address: String?
    @Option(.ca) var ca: String?
    @Option(.clientCertificate) var clientCertificate: String?
    @Option(.clientKey) var clientKey: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] {
        [.address: address, .ca: ca, .clientCertificate: clientCertificate, .clientKey: clientKey, .config: config]
    }
}
