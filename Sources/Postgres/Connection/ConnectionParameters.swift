internal import CLibPQ

/// The connection string taken apart, with what it leaves open filled in.
struct ConnectionParameters: Equatable {
    /// One server of the list, which is tried in order.
    struct Host: Hashable {
        /// A name, an address or the folder of a socket, as written; checked against the certificate.
        var name: String
        /// The address to connect to; `nil` if the name is enough.
        var address: String?
        var port: String?

        /// Whether the name has to be looked up. libpq would do that on the loop's thread and block it.
        var needsResolution: Bool {
            address == nil && !name.isEmpty && !name.hasPrefix("/") && !name.hasPrefix("@")
                && !HostResolution.isNumeric(name)
        }
    }

    /// Everything but hosts, ports and `connect_timeout`, by keyword.
    private(set) var options: [String: String]
    /// The servers in order; empty for libpq's default.
    var hosts: [Host]
    /// How long one server may take, as `connect_timeout` says; `nil` if it does not, or asks for no limit, which there
    /// always is. libpq itself looks at it only where it blocks (manual, 34.1, `PQconnectPoll`).
    private(set) var connectTimeout: Duration?

    /// What is added if the string does not say otherwise.
    ///
    /// Keep-alives and `tcp_user_timeout` find a vanished server within about eleven and five seconds. A server that
    /// cannot be written to is of no use to us. `gssencmode` would look for Kerberos credentials on each attempt.
    private static let additions = [
        "keepalives": "1", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3",
        "tcp_user_timeout": "5000", "target_session_attrs": "read-write", "gssencmode": "disable",
    ]

    /// Reads a connection string.
    ///
    /// - Throws: `invalidValue` if libpq does not understand it. The error does not quote it: it may hold a password.
    init(_ connectionInfo: String, applicationName: String) throws(PostgresError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(connectionInfo, &message) else {
            PQfreemem(message)
            throw PostgresError(.invalidValue, "the connection string is not one")
        }
        defer { PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        hosts = try Self.hosts(
            names: options.removeValue(forKey: "host"), addresses: options.removeValue(forKey: "hostaddr"),
            ports: options.removeValue(forKey: "port"))
        connectTimeout = options.removeValue(forKey: "connect_timeout").flatMap { Int64($0) }
            .flatMap { $0 > 0 ? .seconds($0) : nil }
        options.merge(Self.additions) { given, _ in given }
        options.merge(["application_name": applicationName]) { given, _ in given }
        options["client_encoding"] = "UTF8"
        self.options = options
    }

    /// Keywords and values of one server for `PQconnectStartParams`.
    func keywordsAndValues(for host: Host) -> [(keyword: String, value: String)] {
        var pairs = options.map { (keyword: $0.key, value: $0.value) }
        if !host.name.isEmpty { pairs.append(("host", host.name)) }
        if let address = host.address { pairs.append(("hostaddr", address)) }
        if let port = host.port, !port.isEmpty { pairs.append(("port", port)) }
        return pairs
    }

    /// Takes libpq's three parallel lists together: as many ports as hosts, or one for all, or none.
    private static func hosts(names: String?, addresses: String?, ports: String?) throws(PostgresError) -> [Host] {
        let names = list(names)
        let addresses = list(addresses)
        let ports = list(ports)
        let count = max(names.count, addresses.count)
        guard names.isEmpty || addresses.isEmpty || names.count == addresses.count, ports.count <= max(count, 1)
        else { throw PostgresError(.invalidValue, "the connection string's hosts, addresses and ports do not match") }
        if count == 0 { return ports.isEmpty ? [] : [Host(name: "", port: ports[0])] }
        guard ports.count <= 1 || ports.count == count else {
            throw PostgresError(.invalidValue, "the connection string's hosts and ports do not match")
        }
        return (0..<count).map { place in
            Host(
                name: names.isEmpty ? "" : names[place],
                address: addresses.isEmpty || addresses[place].isEmpty ? nil : addresses[place],
                port: ports.isEmpty ? nil : ports.count == 1 ? ports[0] : ports[place])
        }
    }

    private static func list(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}

extension ConnectionParameters {
    /// Begins to connect to one server without blocking; nil when memory is short. Its name must have been looked up.
    func beginConnecting(to host: Host) -> OpaquePointer? {
        let pairs = keywordsAndValues(for: host)
        return Self.withCStrings(pairs.map(\.keyword)) { keywords in
            Self.withCStrings(pairs.map(\.value)) { values in PQconnectStartParams(keywords, values, 0) }
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let copies = strings.map { Array($0.utf8CString) }
        // The copies are moved into one buffer so that all pointers are valid together.
        let buffer = copies.flatMap(\.self)
        return buffer.withUnsafeBufferPointer { buffer in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for copy in copies {
                pointers.append(buffer.baseAddress.map { $0 + offset })
                offset += copy.count
            }
            pointers.append(nil)
            return body(pointers)
        }
    }
}
