import CarillonGRPC
import CarillonNet
import Foundation
import Logging
import Security
import Testing
import Transfer

@testable import carillon

@Suite("Settings of serve")
struct ServeSettingsTests {
    private static let operatorKey = APIKey.generate(.admin) { 7 }.text
    private static let tenantKey = APIKey.generate(.live) { 7 }.text

    /// A folder with everything that `serve` wants, and the flags that name it.
    static func complete() throws -> (folder: ScratchFolder, flags: [SettingKey: String]) {
        let folder = try ScratchFolder()
        let authority = DevelopmentAuthority(in: folder.url)
        try authority.prepare(now: Date())
        return (
            folder,
            [
                .tlsCertificate: authority.serverCertificate.path, .tlsKey: authority.serverKey.path,
                .databaseURL: "host=/nowhere user=carillon_serve",
                .databaseWorkerURL: "host=/nowhere user=carillon_work",
                .operatorKeyFile: try folder.file("operator.key", operatorKey + "\n"),
                .secretsKeyFile: try folder.file("secrets.key", KeyEncryptionKey.generate().line),
            ]
        )
    }

    @Test("What is not said is the usual")
    func usual() throws {
        let (folder, flags) = try Self.complete()
        let settings = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        #expect(settings.listen.description == "127.0.0.1:8443")
        #expect(settings.connections == 4)
        #expect(settings.loops == ProcessInfo.processInfo.activeProcessorCount)
        #expect(settings.isWorkerEnabled)
        #expect(settings.logLevel == .info)
        #expect(settings.drainGrace == .seconds(25))
        #expect(settings.callsPerTenant == 2000 && settings.streamsPerTenant == 10_000)
        #expect(settings.callRatePerTenant == 50_000 && settings.eventRatePerTenant == 10_000)
        #expect(settings.rowsPerTenant == 0)
        #expect(settings.owner == nil)
        #expect(settings.operatorKey.text == Self.operatorKey)
        #expect(settings.relayAddresses == .publicInternet)
        #expect(!settings.allowsMaildir)
        #expect(!settings.isReflectionEnabled)
        #expect(settings.metrics == nil)
        withExtendedLifetime(folder) {}
    }

    @Test("What is said is taken")
    func given() throws {
        var (folder, flags) = try Self.complete()
        flags[.listen] = "[::]:0"
        flags[.loops] = "3"
        flags[.workerEnabled] = "false"
        flags[.relayAddresses] = "any"
        flags[.reflectionEnabled] = "true"
        flags[.metricsListen] = "127.0.0.1:9464"
        let settings = try ServeSettings(
            SettingsReader(
                flags: flags,
                environment: ["CARILLON_DATABASE_OWNER_URL": "user=carillon_owner", "CARILLON_DRAIN_GRACE": "5"]))
        #expect(settings.listen == HostAndPort(host: "::", port: 0))
        #expect(settings.loops == 3)
        #expect(!settings.isWorkerEnabled)
        #expect(settings.owner == "user=carillon_owner")
        #expect(settings.drainGrace == .seconds(5))
        #expect(settings.relayAddresses == .any)
        #expect(settings.isReflectionEnabled)
        #expect(settings.metrics?.listen == HostAndPort(host: "127.0.0.1", port: 9464))
        withExtendedLifetime(folder) {}
    }

    @Test("Everything that is missing is told at once")
    func nothing() {
        let error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: [:], environment: [:]))
        }
        #expect(
            error?.messages == [
                "tls.certificate is missing: give --tls-certificate or CARILLON_TLS_CERTIFICATE",
                "tls.key is missing: give --tls-key or CARILLON_TLS_KEY",
                "database.url is missing: give --database-url or CARILLON_DATABASE_URL",
                "operator.key-file is missing: give --operator-key-file or CARILLON_OPERATOR_KEY_FILE",
                "secrets.key-file is missing: give --secrets-key-file or CARILLON_SECRETS_KEY_FILE",
                "database.worker-url is missing: give --database-worker-url or CARILLON_DATABASE_WORKER_URL",
            ])
        #expect(error?.description.hasPrefix("there are 6 mistakes in the configuration:\n  tls.cert") == true)
    }

    @Test("A process that does not deliver needs no login for it")
    func servingOnly() throws {
        var (folder, flags) = try Self.complete()
        flags[.databaseWorkerURL] = nil
        flags[.workerEnabled] = "false"
        let settings = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        #expect(settings.workerDatabase == nil)
        withExtendedLifetime(folder) {}
    }

    @Test("Everything that is wrong is told at once, and no secret with it")
    func wrong() throws {
        var (folder, flags) = try Self.complete()
        flags[.listen] = "8443"
        flags[.tlsCertificate] = "/nonexistent/server.pem"
        flags[.databaseConnections] = "0"
        flags[.operatorKeyFile] = try folder.file("tenant.key", Self.tenantKey)
        flags[.secretsKeyFile] = try folder.file("short.key", "c2hvcnQ=")
        flags[.drainGrace] = "soon"
        flags[.logLevel] = "loud"
        let error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        let messages = error?.messages ?? []
        #expect(messages.count == 7, "\(messages)")
        #expect(messages.contains(#"--listen is "8443", not HOST:PORT"#))
        #expect(messages.contains("--tls-certificate cannot be read: /nonexistent/server.pem"))
        #expect(messages.contains("--database-connections is 0, not a number from 1 to 64"))
        #expect(messages.contains { $0.hasPrefix("--operator-key-file holds no operator's key (cr_adm_...)") })
        #expect(messages.contains { $0.hasPrefix("--secrets-key-file is no key file") })
        #expect(messages.contains("--drain-grace is not a whole number"))
        #expect(messages.contains { $0.hasPrefix(#"--log-level is "loud""#) })
        #expect(error?.description.contains(Self.tenantKey) == false)
        #expect(error?.description.contains("c2hvcnQ") == false)
    }

    @Test("The key-encryption keys come from a file or the environment, and not from both")
    func secretsKey() throws {
        var (folder, flags) = try Self.complete()
        let (first, second) = (KeyEncryptionKey.generate(), KeyEncryptionKey.generate())
        let lines = "# new\n\(first.line)\n\n\(second.line)\n"
        let both = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: ["CARILLON_SECRETS_KEY": lines]))
        }
        #expect(
            both?.messages == ["CARILLON_SECRETS_KEY is there beside secrets.key-file: give one of them"])
        flags[.secretsKeyFile] = nil
        let settings = try ServeSettings(SettingsReader(flags: flags, environment: ["CARILLON_SECRETS_KEY": lines]))
        #expect(settings.keyring.ids == [first.key.id, second.key.id])
        let wrong = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: ["CARILLON_SECRETS_KEY": "c2hvcnQ="]))
        }
        #expect(
            wrong?.messages == ["CARILLON_SECRETS_KEY is no key file: line 1 is not 32 octets in base64"])
        // It stands in no file beside other settings.
        #expect(!SettingKey.secretsKey.isInFile && SettingKey.secretsKey.isSecret)
        withExtendedLifetime(folder) {}
    }

    @Test("The certificates for relays are read, and must be some")
    func relayCertificates() throws {
        var (folder, flags) = try Self.complete()
        flags[.relayCA] = try folder.file("relay.pem", "no certificate")
        let error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        #expect(error?.messages.count == 1)
        #expect(error?.messages.first?.hasPrefix("--delivery-relay-ca holds no certificate in PEM form") == true)
        let certificate = DevelopmentAuthority(in: folder.url).certificate
        flags[.relayCA] = certificate.path
        let settings = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        #expect(settings.relayCA == KeptFile.read(certificate).map { $0 + "\n" })
    }

    @Test("A key that belongs to another certificate is told")
    func strangeKey() throws {
        var (folder, flags) = try Self.complete()
        flags[.tlsKey] = DevelopmentAuthority(in: folder.url).key.path
        let error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        #expect(error?.messages.count == 1)
        #expect(error?.messages.first?.hasPrefix("--tls-certificate cannot be used with its key: ") == true)
    }

    @Test("Clients are asked for certificates of the authorities that are named")
    func clientAuthorities() throws {
        var (folder, flags) = try Self.complete()
        flags[.tlsClientCA] = DevelopmentAuthority(in: folder.url).certificate.path
        for demand in [nil, "required", "Optional"] {
            flags[.tlsClientCertificates] = demand
            _ = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        withExtendedLifetime(folder) {}
    }

    @Test(
        "What is wrong with the files of TLS is told of each",
        arguments: [
            (.tlsClientCA, "ca.pem", "--tls-client-ca cannot be used: "),
            (.tlsTicketKeys, "tickets", "--tls-ticket-keys cannot be used: "),
            (.tlsClientCA, nil, "--tls-client-ca cannot be read: /nonexistent/file"),
            (.tlsTicketKeys, nil, "--tls-ticket-keys cannot be read: /nonexistent/file"),
        ] as [(SettingKey, String?, String)])
    func wrongFiles(key: SettingKey, name: String?, message: String) throws {
        var (folder, flags) = try Self.complete()
        flags[key] = try name.map { try folder.file($0, "neither a certificate nor a key") } ?? "/nonexistent/file"
        let error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        #expect(error?.messages.count == 1)
        #expect(error?.messages.first?.hasPrefix(message) == true, "\(error?.messages ?? [])")
    }

    @Test("How clients show themselves must be a known word, and needs authorities")
    func wrongDemand() throws {
        var (folder, flags) = try Self.complete()
        flags[.tlsClientCertificates] = "optional"
        var error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        #expect(error?.messages == ["--tls-client-certificates says nothing without tls.client-ca"])
        flags[.tlsClientCertificates] = "always"
        error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        #expect(error?.messages == [#"--tls-client-certificates is "always", not required or optional"#])
        withExtendedLifetime(folder) {}
    }

    @Test("Connections age, idle and are asked as the settings say")
    func connections() throws {
        var (folder, flags) = try Self.complete()
        var limits = try ServeSettings(SettingsReader(flags: flags, environment: [:])).limits
        #expect(limits.http2.maxAge == .seconds(1800))
        #expect(limits.http2.ageGrace == .seconds(300))
        #expect(limits.http2.maxIdle == nil)
        #expect(limits.http2.keepaliveTime == .seconds(7200))
        #expect(limits.http2.pingInterval == .seconds(30))
        #expect(limits.handshakesPerSecond == 500 && limits.handshakeBurst == 1000 && limits.countsHandshakesByAddress)
        #expect(limits.slowHandshakesPerSecond == ServerLimits().slowHandshakesPerSecond)
        flags[.maxAge] = "0"
        flags[.maxAgeGrace] = "0"
        flags[.maxIdle] = "900"
        flags[.keepaliveTime] = "60"
        flags[.keepaliveTimeout] = "5"
        flags[.pingInterval] = "10"
        flags[.maxHandshakeRate] = "30"
        flags[.maxConnections] = "10"
        flags[.maxStreams] = "7"
        flags[.maxMessage] = "1024"
        flags[.maxTenantCalls] = "20"
        flags[.maxTenantStreams] = "30"
        let settings = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        limits = settings.limits
        #expect(limits.http2.maxAge == nil)
        #expect(limits.http2.ageGrace == nil)
        #expect(limits.http2.maxIdle == .seconds(900))
        #expect(limits.http2.keepaliveTime == .seconds(60))
        #expect(limits.http2.keepaliveTimeout == .seconds(5))
        #expect(limits.http2.pingInterval == .seconds(10))
        #expect(limits.handshakesPerSecond == 30 && limits.handshakeBurst == 60 && limits.countsHandshakesByAddress)
        #expect(limits.slowHandshakesPerSecond == 1)
        #expect(limits.connections == 10)
        #expect(limits.http2.concurrentStreams == 7)
        #expect(limits.messageSize == 1024)
        #expect(settings.callsPerTenant == 20 && settings.streamsPerTenant == 30)
        flags[.maxHandshakeRate] = "0"
        limits = try ServeSettings(SettingsReader(flags: flags, environment: [:])).limits
        #expect(!limits.countsHandshakesByAddress)
        withExtendedLifetime(folder) {}
    }

    @Test(
        "Limits of connections are numbers of a range",
        arguments: [
            (.maxAge, "5", "--connection-max-age is 5, neither 0 nor a number from 10 to 604800"),
            (.maxIdle, "-1", "--connection-max-idle is -1, neither 0 nor a number from 10 to 604800"),
            (.maxAgeGrace, "1 h", "--connection-max-age-grace is not a whole number"),
            (.keepaliveTimeout, "0", "--connection-keepalive-timeout is 0, not a number from 1 to 600"),
            (
                .maxHandshakeRate, "\(Int.max)",
                "--connection-max-handshake-rate is \(Int.max), not a number from 0 to 10000"
            ),
            (.maxStreams, "0", "--limits-concurrent-streams is 0, not a number from 1 to 100000"),
            (.maxTenantCallRate, "-1", "--limits-tenant-call-rate is -1, not a number from 0 to 1000000"),
            (.maxTenantEventRate, "1000001", "--limits-tenant-event-rate is 1000001, not a number from 0 to 1000000"),
            (.maxTenantRows, "-1", "--limits-tenant-rows is -1, not a number from 0 to 1000000000000"),
            (.maxTenantCalls, "0", "--limits-tenant-calls is 0, not a number from 1 to 1000000"),
            (.maxTenantStreams, "0", "--limits-tenant-streams is 0, not a number from 1 to 1000000"),
            (.factsMemory, "0", "--limits-facts-memory is 0, not a number from 1 to 65536"),
            (.maxMessage, "1", "--limits-message-size is 1, not a number from 1024 to 67108864"),
        ] as [(SettingKey, String, String)])
    func wrongLimits(key: SettingKey, value: String, message: String) throws {
        var (folder, flags) = try Self.complete()
        flags[key] = value
        let error = #expect(throws: ConfigurationMistakes.self) {
            try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        }
        #expect(error?.messages == [message])
        withExtendedLifetime(folder) {}
    }
}
