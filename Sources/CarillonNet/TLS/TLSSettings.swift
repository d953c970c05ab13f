/// What a server shows in a handshake, and what it asks for: names of PEM files, which are read again when they change.
package struct TLSServerSettings: Hashable, Sendable {
    /// Whether a client has to show a certificate.
    package enum ClientCertificates: Hashable, Sendable {
        /// One that is shown is verified; none is well too.
        case optional
        /// Without one the handshake fails (alert certificate_required).
        case required
    }

    /// The file of the server's certificate, followed by those between it and its authority.
    package var certificateChain: String
    /// The file of the private key that belongs to it.
    package var privateKey: String
    /// The file of the authorities whose clients are let in; `nil` asks clients for no certificate at all.
    package var clientAuthorities: String?
    /// Whether a client has to show a certificate; of no meaning without ``clientAuthorities``.
    package var clientCertificates = ClientCertificates.required
    /// The file of the keys of session tickets: 80 octets each, the first seals, all open (nginx's
    /// `ssl_session_ticket_key`, made by `openssl rand 80`). Servers with the same file resume each other's sessions, and
    /// whoever writes the file rotates. `nil` lets the process make its own and rotate them by itself.
    package var ticketKeys: String?

    /// Makes settings without client certificates.
    package init(certificateChain: String, privateKey: String) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }

    /// The files that are looked at for changes.
    var files: [String] { [certificateChain, privateKey] + [clientAuthorities, ticketKeys].compactMap(\.self) }
}

/// Whom a client trusts, and what it shows: names of PEM files, which are read again when they change.
package struct TLSClientSettings: Hashable, Sendable {
    /// The file of the authorities that servers are trusted of; `nil` takes ``trustedText``, or else the system's.
    package var trustedCertificates: String?
    /// Authorities as PEM text, instead of a file.
    package var trustedText: String?
    /// The file of the client's own certificate, followed by those between it and its authority.
    package var certificateChain: String?
    /// The file of its private key; required with ``certificateChain``.
    package var privateKey: String?

    /// Makes settings without a certificate of one's own.
    package init(trustedCertificates: String? = nil) {
        self.trustedCertificates = trustedCertificates
    }

    /// The files that are looked at for changes.
    var files: [String] { [trustedCertificates, certificateChain, privateKey].compactMap(\.self) }
}

/// What a handshake may cost. Every number is a promise that nothing grows without bound.
enum TLSLimits {
    /// Certificates between a client's own and its authority's.
    static let chainDepth: CInt = 4
    /// Octets of a peer's whole chain; four RSA-4096 certificates have about 8 KiB.
    static let chainBytes = 32 * 1024
    /// Steps of OpenSSL's handshake after the handshake (key updates take a few each): so many for a start, and
    /// one more for each MiB that was received. Stacks that renew keys do so after gigabytes.
    static let messagesAfterHandshake = 64
    /// How long a session ticket is good for, in seconds; the lifetime of the key that seals it.
    static let sessionSeconds = 12 * 60 * 60
    /// Tickets that are sent after a handshake: one, since a client opens one connection at a time.
    static let ticketsPerHandshake = 1
}
