internal import CarillonNet
internal import Foundation

/// Where a server is and what it is trusted by.
struct CallSettings: Sendable {
    /// The server to call.
    var address: HostAndPort
    /// What it is trusted by.
    var tls: TLSContext

    /// Reads and checks.
    ///
    /// - Throws: everything that is wrong.
    init(_ reader: SettingsReader) throws(ConfigurationMistakes) {
        var reader = reader
        address =
            (reader.parsed(.address, as: "HOST:PORT", HostAndPort.init) ?? HostAndPort(host: "127.0.0.1", port: 8443))
            .called
        let development = DevelopmentDirectory.usual.authority.certificate.path
        let fallback = FileManager.default.isReadableFile(atPath: development) ? development : nil
        var tls: TLSContext?
        var files = TLSClientSettings(trustedCertificates: reader.text(.ca) ?? fallback)
        do throws(TLSError) {
            tls = try TLSContext(client: files)
        } catch {
            reader.mistake(.ca, "cannot be used: \(error)")
        }
        if reader.text(.clientCertificate) != nil || reader.text(.clientKey) != nil {
            files.certificateChain = reader.readableFile(.clientCertificate)
            files.privateKey = reader.readableFile(.clientKey)
            do throws(TLSError) {
                let isComplete = tls != nil && files.certificateChain != nil && files.privateKey != nil
                if isComplete { tls = try TLSContext(client: files) }
            } catch {
                reader.mistake(.clientCertificate, "cannot be used with its key: \(error)")
            }
        }
        try reader.finish()
        guard let tls else { preconditionFailure("a setting is missing and nobody said so") }
        self.tls = tls
    }

    /// Settings that are known.
    init(address: HostAndPort, tls: TLSContext) {
        self.address = address
        self.tls = tls
    }
}
