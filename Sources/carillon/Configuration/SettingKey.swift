internal import ArgumentParser

/// Everything that can be configured. A key has the same name in three places: `--tls-certificate` on the command
/// line, `CARILLON_TLS_CERTIFICATE` in the environment, `tls.certificate` in the file; the first of them that says
/// something wins.
enum SettingKey: String, CaseIterable, Sendable {
    case config
    case listen
    case publicURL = "public-url"
    case tlsCertificate = "tls.certificate"
    case tlsKey = "tls.key"
    case tlsClientCA = "tls.client-ca"
    case tlsClientCertificates = "tls.client-certificates"
    case tlsTicketKeys = "tls.ticket-keys"
    case maxAge = "connection.max-age"
    case maxAgeGrace = "connection.max-age-grace"
    case maxIdle = "connection.max-idle"
    case keepaliveTime = "connection.keepalive-time"
    case keepaliveTimeout = "connection.keepalive-timeout"
    case pingInterval = "connection.ping-interval"
    case maxHandshakeRate = "connection.max-handshake-rate"
    case maxConnections = "limits.connections"
    case maxStreams = "limits.concurrent-streams"
    case maxMessage = "limits.message-size"
    case maxTenantCalls = "limits.tenant-calls"
    case maxTenantStreams = "limits.tenant-streams"
    case maxTenantCallRate = "limits.tenant-call-rate"
    case maxTenantEventRate = "limits.tenant-event-rate"
    case maxTenantRows = "limits.tenant-rows"
    case factsMemory = "limits.facts-memory"
    case databaseURL = "database.url"
    case databaseWorkerURL = "database.worker-url"
    case databaseOwnerURL = "database.owner-url"
    case databaseConnections = "database.connections"
    case databasePreparedStatements = "database.prepared-statements"
    case operatorKeyFile = "operator.key-file"
    case secretsKeyFile = "secrets.key-file"
    case secretsKey = "secrets.key"
    case loops
    case workerEnabled = "worker.enabled"
    case logLevel = "log.level"
    case drainGrace = "drain.grace"
    case reflectionEnabled = "reflection.enabled"
    case relayAddresses = "delivery.relay-addresses"
    case relayCA = "delivery.relay-ca"
    case relayHostName = "delivery.host-name"
    case allowsMaildir = "delivery.maildir"
    case metricsListen = "metrics.listen"
    case metricsKeyFile = "metrics.key-file"
    case portFile = "port-file"
    case address
    case ca
    case clientCertificate = "client.certificate"
    case clientKey = "client.key"

    /// What a value is made of.
    enum Kind {
        case text, integer, toggle
    }

    /// The key's parts in the file: each but the last is an object.
    var components: [String] { rawValue.split(separator: ".").map(String.init) }

    /// The name on the command line, without its dashes.
    var flag: String { rawValue.replacing(".", with: "-") }

    /// The name in the environment.
    var variable: String { "CARILLON_" + flag.uppercased().replacing("-", with: "_") }

    /// What a value is made of.
    var kind: Kind {
        switch self {
        case .databaseConnections, .databasePreparedStatements, .loops, .drainGrace, .maxAge, .maxAgeGrace, .maxIdle,
            .keepaliveTime,
            .keepaliveTimeout, .pingInterval, .maxHandshakeRate, .maxConnections, .maxStreams, .maxMessage,
            .maxTenantCalls, .maxTenantStreams, .maxTenantCallRate, .maxTenantEventRate, .maxTenantRows,
            .factsMemory:
            .integer
        case .workerEnabled, .allowsMaildir, .reflectionEnabled: .toggle
        default: .text
        }
    }

    /// Whether a value must never be shown.
    var isSecret: Bool {
        switch self {
        case .databaseURL, .databaseWorkerURL, .databaseOwnerURL, .secretsKey: true
        default: false
        }
    }

    /// Whether the file may say it. Where the file is, and where this one process writes its port, cannot stand in it; a key has
    /// a file of its own.
    var isInFile: Bool { self != .config && self != .portFile && self != .secretsKey }

    /// What `--help` says.
    var help: ArgumentHelp {
        let stated = defaultValue.map { "; default: \($0)" } ?? ""
        return ArgumentHelp("\(explanation) [\(variable)\(stated)]", valueName: valueName)
    }

    /// What is taken when nobody says anything, as `--help` shows it.
    var defaultValue: String? {
        switch self {
        case .listen, .address: "127.0.0.1:8443"
        case .databaseConnections: "4"
        case .databasePreparedStatements: "4096"
        case .loops: "0"
        case .workerEnabled: "true"
        case .tlsClientCertificates: "required"
        case .logLevel: "info"
        case .drainGrace: "25"
        case .maxAge: "1800"
        case .maxAgeGrace: "300"
        case .maxIdle: "0"
        case .keepaliveTime: "7200"
        case .keepaliveTimeout: "20"
        case .pingInterval: "30"
        case .maxHandshakeRate: "500"
        case .maxConnections: "50000"
        case .maxStreams: "1000"
        case .maxMessage: "4194304"
        case .maxTenantCalls: "2000"
        case .maxTenantStreams: "10000"
        case .maxTenantCallRate: "50000"
        case .maxTenantEventRate: "10000"
        case .maxTenantRows: "0"
        case .factsMemory: "256"
        case .relayAddresses: "public"
        case .relayHostName: "localhost"
        case .allowsMaildir, .reflectionEnabled: "false"
        default: nil
        }
    }

    private var valueName: String {
        switch self {
        case .listen, .metricsListen, .address: "host:port"
        case .publicURL: "https address"
        case .databaseURL, .databaseWorkerURL, .databaseOwnerURL: "connection string"
        case .databaseConnections, .databasePreparedStatements, .loops, .maxHandshakeRate, .maxConnections, .maxStreams,
            .maxTenantCalls,
            .maxTenantStreams, .maxTenantCallRate, .maxTenantEventRate, .maxTenantRows:
            "number"
        case .drainGrace, .maxAge, .maxAgeGrace, .maxIdle, .keepaliveTime, .keepaliveTimeout, .pingInterval: "seconds"
        case .maxMessage: "octets"
        case .factsMemory: "MiB"
        case .workerEnabled, .allowsMaildir, .reflectionEnabled: "true or false"
        case .logLevel: "level"
        case .relayAddresses: "public or any"
        case .tlsClientCertificates: "required or optional"
        case .relayHostName: "name"
        default: "file"
        }
    }

    private var explanation: String {
        switch self {
        case .config: "A JSON file with any of these keys, such as {\"tls\": {\"key\": \"server.key\"}}."
        case .listen: "Where calls are taken. An empty host means all addresses; port 0 lets the system choose."
        case .tlsCertificate:
            "The server's certificate with its chain, in PEM form. This and the other TLS files are read again when they change."
        case .tlsKey: "The private key of the certificate, in PEM form."
        case .tlsClientCA:
            """
            The authorities of clients' certificates, in PEM form. Without it no client is asked for one. A certificate \
            names its owner by exactly one SPIFFE id.
            """
        case .tlsClientCertificates:
            "Whether a client has to show a certificate of these authorities. The kubelet's probes show none."
        case .tlsTicketKeys:
            """
            Keys of TLS session tickets, 80 octets each; the first seals, all open. Servers with the same file resume each \
            other's sessions. Without it each process makes its own and renews them.
            """
        case .maxAge:
            """
            Seconds, give or take a tenth, after which a client is asked to connect anew, so that load balancers can spread \
            connections; 0 for never, else 10 to 604800.
            """
        case .maxAgeGrace:
            "Seconds that calls of such a connection may go on after that, watches among them; 0 for as long as they like."
        case .maxIdle: "Seconds after which a connection without calls is closed; 0 for never, else 10 to 604800."
        case .keepaliveTime:
            "Seconds of silence after which a client is asked whether it is there; 0 for never, else 10 to 604800."
        case .keepaliveTimeout: "Seconds that it has to answer, 1 to 600."
        case .pingInterval:
            "Seconds that must lie between a client's own keepalive pings, 10 to 7200; who pings more is cut off."
        case .maxHandshakeRate:
            """
            TLS handshakes that one client address may begin in a second, and twice as many at once, 1 to 10000; more are \
            refused. For a minute after a client was cut off for a flood it is a 50th of that. 0 for not counting by address: \
            behind a load balancer that hides its clients' addresses, where all would count as one. Wrong credentials are counted by \
            address whatever is set here, 300 at once and 10 a second on each loop; let such a balancer pass addresses through.
            """
        case .maxConnections: "Connections that may be open at once, 1 to 1000000; more are refused."
        case .maxStreams: "Calls that one connection may have open at once, 1 to 100000."
        case .maxMessage: "The greatest length of one request message, 1024 to 67108864."
        case .maxTenantCalls:
            """
            Calls that may run at once with one tenant's API keys, and as many of its portal's users, 1 to 1000000; more are \
            refused. Open streams have their own limit.
            """
        case .factsMemory:
            """
            Memory for what is known of users and accounts, 1 to 65536: what was not asked for lately is let go of when it is full. A user \
            takes some 100 octets, one who has chosen something 400 more; those who are not known are read for each check.
            """
        case .maxTenantStreams:
            """
            Streams, of inboxes and of checks, that may be open at once for one tenant that has no limit of its own, 1 to 1000000; more are \
            refused.
            """
        case .maxTenantCallRate:
            """
            Calls in a second with one tenant's API keys, and as many of its portal's users, where the tenant has no limit of \
            its own, 1 to 1000000, and what two seconds allow at once; more are refused. 0 for any number.
            """
        case .maxTenantEventRate:
            """
            Events that one tenant may publish in a second, where it has no limit of its own, 1 to 1000000, and what two \
            seconds allow at once; more are refused. 0 for any number.
            """
        case .maxTenantRows:
            """
            Stored rows from which on a tenant that has no limit of its own may publish no events and add no accounts and \
            users, up to 1000000000000; 0 for no such limit. They are counted now and then.
            """
        case .databaseURL: "The database as carillon_serve, the login that serves."
        case .databaseWorkerURL:
            "The database as carillon_work, the login that delivers. Needed where the worker is enabled."
        case .databaseOwnerURL:
            "The database as carillon_owner, the login that makes tenants and migrates. Without it no tenant can be made."
        case .databaseConnections:
            "Connections to the database for each loop, 1 to 64; while there is little to do, one of them does it all."
        case .databasePreparedStatements:
            """
            Statements that are kept prepared for each connection, 16 to 16384; while one has all units, it may keep those of a loop. \
            A tenant that publishes has seven, of 50 to 100 KiB each.
            """
        case .operatorKeyFile: "A file with the operator's key (cr_adm_...)."
        case .secretsKeyFile:
            """
            A file with the key-encryption keys: 32 octets in base64 a line. The first one wraps, all open. Instead of a file, \
            \(SettingKey.secretsKey.variable) may hold such lines; there is no flag for them, since command lines can be read by all.
            """
        case .secretsKey: "The lines of a key file."
        case .loops: "Event loops, each with its own thread; 0 for one for each core."
        case .workerEnabled: "Whether this process also delivers, or only answers calls."
        case .logLevel: "What is logged: trace, debug, info, notice, warning, error or critical."
        case .drainGrace: "Seconds that open calls and deliveries have to finish after SIGTERM, 1 to 600."
        case .reflectionEnabled:
            "Whether anybody may ask for the description of the API (grpc.reflection), as grpcurl and buf curl do."
        case .relayAddresses:
            "Where the mail relays of tenants may be: at addresses of the public internet, or at any. A tenant names its relay."
        case .publicURL:
            """
            Where browsers reach this service, such as https://notify.example. Mails then carry a link by which their readers stop \
            them with one click; without it they name the portal's page of preferences only.
            """
        case .relayCA: "Certificates to trust for mail relays instead of the system's, in PEM form."
        case .relayHostName: "The name that mail relays are greeted with: this machine's, as the world knows it."
        case .allowsMaildir: "Whether a tenant may have mails written into a folder of this machine: for development."
        case .metricsListen:
            """
            Where Prometheus reads what this process counts (/metrics), with the server's certificate. Nowhere when nobody says so; \
            port 0 lets the system choose, and the log tells it.
            """
        case .metricsKeyFile:
            """
            A file with the key that readers of metrics have to show as a bearer token, 20 to 512 visible characters. Needed where they \
            can be read from other machines.
            """
        case .portFile: "A file to write the port to once calls are taken, for those who chose port 0."
        case .address: "The server to call."
        case .ca:
            """
            The certificates to trust, in PEM form; without it those of `carillon dev` in this directory, or the system's.
            """
        case .clientCertificate: "A certificate to show to the server, with its chain, in PEM form."
        case .clientKey: "The private key of that certificate, in PEM form."
        }
    }
}
