internal import Crypto
internal import Foundation
internal import SwiftASN1
internal import X509

/// A certificate authority of one development directory, and the server's certificate that it signs.
///
/// Both are made when they are missing, unusable or about to expire, and kept otherwise, so that a client that was given
/// the CA's certificate can go on using it.
struct DevelopmentAuthority {
    /// The CA's certificate, which clients trust.
    let certificate: URL
    /// The CA's private key.
    let key: URL
    /// The server's certificate.
    let serverCertificate: URL
    /// The server's private key.
    let serverKey: URL

    /// What the server's certificate is good for.
    static let names: [GeneralName] = [
        .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
        .ipAddress(ASN1OctetString(contentBytes: ArraySlice([UInt8](repeating: 0, count: 15) + [1]))),
    ]
    private static let day: TimeInterval = 24 * 60 * 60
    /// Ten years for the CA; a year for the server, as clients ask of it.
    private static let lifetimes = (authority: 3650 * day, server: 365 * day)
    /// What must be left of them when the server starts.
    private static let reserves = (authority: 400 * day, server: 30 * day)

    /// The files in a directory.
    init(in directory: URL) {
        certificate = directory.appending(path: "ca.pem")
        key = directory.appending(path: "ca.key")
        serverCertificate = directory.appending(path: "server.pem")
        serverKey = directory.appending(path: "server.key")
    }

    /// Makes what is not there or will not do.
    ///
    /// - Returns: whether clients have to be given the CA's certificate anew.
    /// - Throws: ``FileTrouble``, or what the cryptography says.
    @discardableResult
    func prepare(now: Date) throws -> Bool {
        let found = usableAuthority(now: now)
        let authority = try found ?? makeAuthority(now: now)
        if !hasUsableServerCertificate(signedBy: authority.certificate, now: now) {
            try makeServerCertificate(signedBy: authority, now: now)
        }
        return found == nil
    }

    // MARK: The CA

    private struct Authority {
        let certificate: Certificate
        let key: P256.Signing.PrivateKey
    }

    private func usableAuthority(now: Date) -> Authority? {
        guard let pair = Self.read(certificate, key), pair.certificate.notValidBefore <= now,
            pair.certificate.notValidAfter > now.addingTimeInterval(Self.reserves.authority)
        else { return nil }
        return Authority(certificate: pair.certificate, key: pair.key)
    }

    private func makeAuthority(now: Date) throws -> Authority {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName {
            CommonName("Carillon development CA \(UInt32.random(in: .min ... .max))")
        }
        let publicKey = Certificate.PublicKey(key.publicKey)
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey,
            // An hour back, for clocks that are late.
            notValidBefore: now.addingTimeInterval(-3600),
            notValidAfter: now.addingTimeInterval(Self.lifetimes.authority), issuer: name, subject: name,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            }, issuerPrivateKey: .init(key))
        try KeptFile.write(key.pemRepresentation, to: self.key, for: .owner)
        try KeptFile.write(certificate.serializeAsPEM().pemString, to: self.certificate, for: .everybody)
        return Authority(certificate: certificate, key: key)
    }

    // MARK: The server

    private func hasUsableServerCertificate(signedBy authority: Certificate, now: Date) -> Bool {
        guard let pair = Self.read(serverCertificate, serverKey) else { return false }
        let names = try? pair.certificate.extensions.subjectAlternativeNames
        return pair.certificate.notValidBefore <= now
            && pair.certificate.notValidAfter > now.addingTimeInterval(Self.reserves.server)
            && pair.certificate.issuer == authority.subject
            && authority.publicKey.isValidSignature(pair.certificate.signature, for: pair.certificate)
            && Self.names.allSatisfy { names?.contains($0) == true }
    }

    private func makeServerCertificate(signedBy authority: Authority, now: Date) throws {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let authorityIdentifier = SubjectKeyIdentifier(hash: authority.certificate.publicKey).keyIdentifier
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: publicKey, notValidBefore: now.addingTimeInterval(-3600),
            notValidAfter: now.addingTimeInterval(Self.lifetimes.server), issuer: authority.certificate.subject,
            subject: try DistinguishedName { CommonName("localhost") },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(Self.names)
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: authorityIdentifier)
            }, issuerPrivateKey: .init(authority.key))
        try KeptFile.write(key.pemRepresentation, to: serverKey, for: .owner)
        try KeptFile.write(certificate.serializeAsPEM().pemString, to: serverCertificate, for: .everybody)
    }

    /// A certificate with its key, if both can be read and belong together.
    private static func read(
        _ certificate: URL, _ key: URL
    ) -> (certificate: Certificate, key: P256.Signing.PrivateKey)? {
        guard let certificateText = KeptFile.read(certificate), let keyText = KeptFile.read(key),
            let certificate = try? Certificate(pemEncoded: certificateText),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: keyText),
            certificate.publicKey == Certificate.PublicKey(key.publicKey)
        else { return nil }
        return (certificate, key)
    }
}
