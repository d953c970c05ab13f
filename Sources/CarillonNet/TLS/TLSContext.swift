internal import CarillonCOpenSSL
internal import Synchronization

/// Keys, certificates and rules that many connections share, and that change under them when their files do.
///
/// The rules are those of RFC 9113 §9.2 and of the security notes: TLS 1.2 or newer, forward-secret AEAD ciphers only,
/// no renegotiation, no compression, no early data, ALPN `h2` and nothing else.
///
/// A connection takes the material that is current when it begins and keeps it; ``reload()`` and ``TLSWatch`` give new
/// material to those that come after.
package final class TLSContext: Sendable {
    enum Role: Sendable {
        case server(TLSServerSettings, TicketKeyring)
        case client(TLSClientSettings)

        /// The files that it is made of.
        var files: [String] {
            switch self {
            case .server(let settings, _): settings.files
            case .client(let settings): settings.files
            }
        }
    }

    let role: Role
    private let material: Mutex<TLSMaterial>

    /// Makes a server's context. Reads the files: not on a loop that has connections already.
    ///
    /// - Throws: ``TLSError`` of the kind ``TLSError/Code/configuration``, which names the file.
    package convenience init(server settings: TLSServerSettings) throws(TLSError) {
        try self.init(role: .server(settings, TicketKeyring()))
    }

    /// Makes a client's context. Reads the files: not on a loop that has connections already.
    ///
    /// - Throws: ``TLSError`` of the kind ``TLSError/Code/configuration``, which names the file.
    package convenience init(client settings: TLSClientSettings) throws(TLSError) {
        try self.init(role: .client(settings))
    }

    /// Makes a server's context from PEM files: the certificate with its chain, and its private key.
    package convenience init(serverCertificateChain chain: String, privateKey: String) throws(TLSError) {
        try self.init(server: TLSServerSettings(certificateChain: chain, privateKey: privateKey))
    }

    /// Makes a client's context that trusts the given CA file, or the system's CAs when it is `nil`.
    package convenience init(trustedCertificates: String?) throws(TLSError) {
        try self.init(client: TLSClientSettings(trustedCertificates: trustedCertificates))
    }

    private init(role: Role) throws(TLSError) {
        self.role = role
        material = Mutex(try TLSMaterial.load(role))
    }

    /// Whether connections made from it are servers.
    package var isServer: Bool {
        if case .server = role { true } else { false }
    }

    /// What connections that begin at this moment are made from.
    var current: TLSMaterial { material.withLock { $0 } }

    /// Reads the files again, for the connections to come; when they are of no use the old material stays. Blocks: runs on
    /// the pool only.
    ///
    /// - Returns: What the new certificate says of itself, in one line.
    /// - Throws: ``TLSError`` of the kind ``TLSError/Code/configuration``, which names the file.
    @discardableResult
    package func reload() throws(TLSError) -> String {
        let fresh = try TLSMaterial.load(role)
        material.withLock { $0 = fresh }
        return fresh.summary
    }
}
