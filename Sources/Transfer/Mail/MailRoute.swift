/// Where mail is handed over, and how: one relay with one identity. Transfers with equal routes share connections.
package struct MailRoute: Sendable, Hashable {
    /// How the session is encrypted.
    package enum Security: String, Sendable, Hashable {
        /// TLS from the first byte (usually port 465).
        case implicitTLS = "implicit_tls"
        /// STARTTLS, required: without it nothing is sent (usually port 587).
        case startTLS = "starttls"
        /// Not encrypted. Refused together with credentials, unless the host is this machine.
        case none
    }

    /// User name and password for AUTH. Neither appears in any description.
    package struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
        let user: String
        let password: String

        /// Makes credentials.
        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }

        package var description: String { "Credentials(redacted)" }
        package var debugDescription: String { description }
    }

    /// Host name or address of the relay, without brackets.
    package let host: String
    /// Port, 1…65535.
    package let port: Int
    /// How the session is encrypted.
    package let security: Security
    /// Who we are to the relay; `nil` sends no AUTH.
    package let credentials: Credentials?
    /// PEM certificates that are trusted instead of the system's; `nil` trusts the system's.
    package let trustedCertificates: String?
    /// The name given with EHLO.
    package let clientName: String
    /// Which addresses may be connected to.
    package let addresses: AddressPolicy

    /// Makes a route. It is checked when it is used: see ``TransferError/Code/invalidRequest``.
    package init(
        host: String, port: Int, security: Security, credentials: Credentials? = nil,
        trustedCertificates: String? = nil, clientName: String = "localhost",
        addresses: AddressPolicy = .publicInternet
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.credentials = credentials
        self.trustedCertificates = trustedCertificates
        self.clientName = clientName
        self.addresses = addresses
    }

    /// Whether the route can be used: names are host names, and credentials travel encrypted or stay on this machine.
    var isValid: Bool {
        guard HostName.isValid(host), HostName.isValid(clientName), (1...65535).contains(port) else { return false }
        if credentials != nil, security == .none, !["localhost", "127.0.0.1", "::1"].contains(host) { return false }
        return credentials.map { !$0.user.utf8.contains(0) && !$0.password.utf8.contains(0) } ?? true
    }

    /// The route as libcurl wants it; the path is the name for EHLO.
    var url: String {
        let scheme = security == .implicitTLS ? "smtps" : "smtp"
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)/\(clientName)"
    }
}

/// Checks host names before they become part of a URL.
enum HostName {
    /// Whether the text is a DNS name or an IP address in its usual characters, at most 253 bytes.
    static func isValid(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"): true
            default: false
            }
        }
    }
}
