/// The certificate that a client shows to servers which ask for one.
public struct ClientCertificate: Sendable, Hashable {
    /// PEM file of the certificate, followed by those between it and its authority.
    public var chainFile: String
    /// PEM file of the private key that belongs to it.
    public var keyFile: String

    /// Names the files.
    public init(chainFile: String, keyFile: String) {
        self.chainFile = chainFile
        self.keyFile = keyFile
    }
}
