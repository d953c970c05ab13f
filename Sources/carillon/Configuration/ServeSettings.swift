internal import CarillonGRPC
internal import CarillonNet
internal import Foundation
internal import Logging
internal import Security
internal import Services
internal import Transfer

/// Everything `carillon serve` needs, read and checked: the files are there, the keys are keys, the certificate fits.
struct ServeSettings: Sendable {
    /// Where calls are taken.
    var listen: HostAndPort
    /// The server's certificate and key, loaded.
    var tls: TLSContext
    /// What callers may ask of connections and messages.
    var limits: ServerLimits
    /// Calls that may run at once for one tenant: with its API keys, and as many of its portal's users.
    var callsPerTenant: Int
    /// Streams that may be open at once for one tenant.
    var streamsPerTenant: Int
    /// Octets of memory for facts, all loops together.
    var factsOctets: Int
    /// Calls in a second for one tenant: with its API keys, and as many of its portal's users; 0 for any number.
    var callRatePerTenant: Int
    /// Events in a second for one tenant; 0 for any number.
    var eventRatePerTenant: Int
    /// Rows that one tenant may store; 0 for any number.
    var rowsPerTenant: Int
    /// The database as the serving login.
    var database: String
    /// The database as the login that delivers; nil when this process does not deliver.
    var workerDatabase: String?
    /// The database as the owner; nil when this server makes no tenants.
    var owner: String?
    /// Connections of each loop.
    var connections: Int
    /// Statements that each of them keeps prepared.
    var preparedStatements: Int
    /// The operator's key.
    var operatorKey: APIKey
    /// The keys that tenants' data keys are wrapped with.
    var keyring: Keyring
    /// Loops that take calls.
    var loops: Int
    /// Whether this process delivers.
    var isWorkerEnabled: Bool
    /// What is logged.
    var logLevel: Logger.Level
    /// How long draining may take.
    var drainGrace: Duration
    /// Whether grpc.reflection is there.
    var isReflectionEnabled: Bool
    /// Where browsers reach this service, without a slash at the end; nil where nobody said so.
    var publicURL: String?
    /// Where tenants' mail relays may be.
    var relayAddresses: AddressPolicy
    /// What mail relays are trusted by, as PEM text; nil for the system's certificates.
    var relayCA: String?
    /// The name that mail relays are greeted with.
    var relayHostName: String
    /// Whether tenants may have mails written into folders of this machine.
    var allowsMaildir: Bool
    /// Where metrics are shown; nil for nowhere.
    var metrics: MetricsSettings?
    /// Where the port is written.
    var portFile: String?

    /// The keys that `serve` knows, in the order of its help.
    static let keys: [SettingKey] = [
        .listen, .publicURL, .tlsCertificate, .tlsKey, .tlsClientCA, .tlsClientCertificates, .tlsTicketKeys,
        .databaseURL,
        .databaseWorkerURL, .databaseOwnerURL, .databaseConnections, .databasePreparedStatements, .operatorKeyFile,
        .secretsKeyFile, .loops,
        .workerEnabled,
        .relayAddresses, .relayCA, .relayHostName, .allowsMaildir, .drainGrace, .maxAge, .maxAgeGrace, .maxIdle,
        .keepaliveTime, .keepaliveTimeout, .pingInterval, .maxHandshakeRate, .maxConnections, .maxStreams, .maxMessage,
        .maxTenantCalls, .maxTenantStreams, .maxTenantCallRate, .maxTenantEventRate, .maxTenantRows, .factsMemory,
        .reflectionEnabled, .metricsListen, .metricsKeyFile,
        .portFile, .logLevel, .config,
    ]

    /// Reads and checks.
    ///
    /// - Throws: everything that is wrong.
    init(_ reader: SettingsReader) throws(ConfigurationMistakes) {
        var reader = reader
        let usualPlace = HostAndPort(host: "127.0.0.1", port: 8443)
        listen = reader.parsed(.listen, as: "HOST:PORT", HostAndPort.init) ?? usualPlace
        let tls = Self.tls(&reader)
        limits = Self.limits(&reader)
        callsPerTenant = reader.integer(.maxTenantCalls, in: 1...1_000_000, default: ServiceLimits().callsPerTenant)
        streamsPerTenant = reader.integer(
            .maxTenantStreams, in: 1...1_000_000, default: ServiceLimits().streamsPerTenant)
        factsOctets = reader.integer(.factsMemory, in: 1...65_536, default: 256) << 20
        callRatePerTenant = reader.integer(.maxTenantCallRate, in: 0...1_000_000, default: ServiceLimits().callRate)
        eventRatePerTenant = reader.integer(.maxTenantEventRate, in: 0...1_000_000, default: ServiceLimits().eventRate)
        rowsPerTenant = reader.integer(.maxTenantRows, in: 0...1_000_000_000_000, default: ServiceLimits().storedRows)
        let database = reader.requiredText(.databaseURL)
        owner = reader.text(.databaseOwnerURL)
        connections = reader.integer(.databaseConnections, in: 1...64, default: 4)
        preparedStatements = reader.integer(.databasePreparedStatements, in: 16...16384, default: 4096)
        let operatorKey = Self.operatorKey(&reader)
        let keyring = Self.keyring(&reader)
        let loops = reader.integer(.loops, in: 0...256, default: 0)
        self.loops = loops == 0 ? ProcessInfo.processInfo.activeProcessorCount : loops
        isWorkerEnabled = reader.toggle(.workerEnabled, default: true)
        workerDatabase = isWorkerEnabled ? reader.requiredText(.databaseWorkerURL) : nil
        drainGrace = .seconds(reader.integer(.drainGrace, in: 1...600, default: 25))
        isReflectionEnabled = reader.toggle(.reflectionEnabled, default: false)
        publicURL = reader.parsed(.publicURL, as: "an https address without a path") { Self.origin($0) }
        relayAddresses =
            reader.parsed(.relayAddresses, as: "public or any") { Self.policies[$0.lowercased()] } ?? .publicInternet
        relayCA = Self.relayCA(&reader)
        relayHostName = reader.text(.relayHostName) ?? "localhost"
        allowsMaildir = reader.toggle(.allowsMaildir, default: false)
        metrics = MetricsSettings(&reader)
        portFile = reader.text(.portFile)
        logLevel = reader.logLevel()
        try reader.finish()
        guard let tls, let database, let operatorKey, let keyring else {
            preconditionFailure("a setting is missing and nobody said so")
        }
        self.tls = tls
        self.database = database
        self.operatorKey = operatorKey
        self.keyring = keyring
    }

    private static func limits(_ reader: inout SettingsReader) -> ServerLimits {
        var limits = ServerLimits()
        limits.http2.maxAge = reader.seconds(.maxAge, 10...604_800, default: 1800)
        limits.http2.ageGrace = reader.seconds(.maxAgeGrace, 1...604_800, default: 300)
        limits.http2.maxIdle = reader.seconds(.maxIdle, 10...604_800, default: 0)
        limits.http2.keepaliveTime = reader.seconds(.keepaliveTime, 10...604_800, default: 7200)
        limits.http2.keepaliveTimeout = .seconds(reader.integer(.keepaliveTimeout, in: 1...600, default: 20))
        limits.http2.pingInterval = .seconds(reader.integer(.pingInterval, in: 10...7200, default: 30))
        let rate = reader.integer(.maxHandshakeRate, in: 0...10_000, default: limits.handshakesPerSecond)
        limits.countsHandshakesByAddress = rate != 0
        limits.handshakesPerSecond = rate
        // Wrapping, as it may be any number: a wrong one is told later, with all that is wrong.
        limits.handshakeBurst = rate &* 2
        // In the same proportion as usual.
        limits.slowHandshakesPerSecond = max(1, rate / 50)
        limits.connections = reader.integer(.maxConnections, in: 1...1_000_000, default: limits.connections)
        let streams = reader.integer(.maxStreams, in: 1...100_000, default: Int(limits.http2.concurrentStreams))
        limits.http2.concurrentStreams = UInt32(clamping: streams)
        limits.messageSize = reader.integer(.maxMessage, in: 1024...(64 << 20), default: limits.messageSize)
        return limits
    }

    /// An https address of a host and no more, without a slash at the end.
    private static func origin(_ text: String) -> String? {
        let text = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard text.utf8.count <= 200, let url = URL(string: text), url.scheme == "https", let host = url.host(),
            !host.isEmpty, url.path().isEmpty, url.query() == nil, url.fragment() == nil, url.user() == nil,
            text.utf8.allSatisfy({ (0x21..<0x7f).contains($0) })
        else { return nil }
        return text
    }

    private static let policies: [String: AddressPolicy] = ["public": .publicInternet, "any": .any]

    private static func tls(_ reader: inout SettingsReader) -> TLSContext? {
        // Both are looked at before one of them is given up.
        let (certificate, key) = (reader.readableFile(.tlsCertificate), reader.readableFile(.tlsKey))
        let authorities = reader.text(.tlsClientCA) == nil ? nil : reader.readableFile(.tlsClientCA)
        let ticketKeys = reader.text(.tlsTicketKeys) == nil ? nil : reader.readableFile(.tlsTicketKeys)
        let demand = reader.parsed(.tlsClientCertificates, as: "required or optional") { Self.demands[$0.lowercased()] }
        if demand != nil, reader.text(.tlsClientCA) == nil {
            reader.mistake(.tlsClientCertificates, "says nothing without \(SettingKey.tlsClientCA.rawValue)")
        }
        guard let certificate, let key else { return nil }
        var settings = TLSServerSettings(certificateChain: certificate, privateKey: key)
        guard var context = tls(settings, &reader, blame: .tlsCertificate, "cannot be used with its key") else {
            return nil
        }
        // One after the other, so that each is blamed for its own mistakes.
        if let authorities {
            settings.clientAuthorities = authorities
            settings.clientCertificates = demand ?? .required
            guard let asking = tls(settings, &reader, blame: .tlsClientCA, "cannot be used") else { return nil }
            context = asking
        }
        if let ticketKeys {
            settings.ticketKeys = ticketKeys
            guard let sharing = tls(settings, &reader, blame: .tlsTicketKeys, "cannot be used") else { return nil }
            context = sharing
        }
        return context
    }

    private static let demands: [String: TLSServerSettings.ClientCertificates] = [
        "required": .required, "optional": .optional,
    ]

    private static func tls(
        _ settings: TLSServerSettings, _ reader: inout SettingsReader, blame key: SettingKey, _ what: String
    ) -> TLSContext? {
        do throws(TLSError) {
            return try TLSContext(server: settings)
        } catch {
            reader.mistake(key, "\(what): \(error)")
            return nil
        }
    }

    private static func relayCA(_ reader: inout SettingsReader) -> String? {
        guard reader.text(.relayCA) != nil, let file = reader.contents(.relayCA) else { return nil }
        if !file.text.contains("-----BEGIN CERTIFICATE-----") {
            reader.mistake(.relayCA, "holds no certificate in PEM form: \(file.path)")
        }
        return file.text + "\n"
    }

    /// The operator's key, of a file that holds nothing else.
    static func operatorKey(_ reader: inout SettingsReader) -> APIKey? {
        guard let file = reader.contents(.operatorKeyFile) else { return nil }
        guard let key = APIKey(Array(file.text.utf8)), key.kind == .admin else {
            reader.mistake(.operatorKeyFile, "holds no operator's key (cr_adm_...): \(file.path)")
            return nil
        }
        return key
    }

    /// The key-encryption keys, of a file or of the environment. One of the two says them: were it both, nobody would know
    /// which key wraps.
    static func keyring(_ reader: inout SettingsReader) -> Keyring? {
        let (text, key, path): (String, SettingKey, String)
        if let lines = reader.text(.secretsKey) {
            if reader.text(.secretsKeyFile) != nil {
                reader.mistake(.secretsKey, "is there beside \(SettingKey.secretsKeyFile.rawValue): give one of them")
            }
            (text, key, path) = (lines, .secretsKey, "")
        } else {
            guard let file = reader.contents(.secretsKeyFile) else { return nil }
            (text, key, path) = (file.text, .secretsKeyFile, " (\(file.path))")
        }
        do throws(SecretError) {
            return try Keyring(fileText: text)
        } catch {
            reader.mistake(key, "is no key file: \(error)\(path)")
            return nil
        }
    }
}
