internal import Foundation
internal import Programs

/// A self-signed certificate for localhost, made once for each process of tests by the `openssl` command.
package enum ServerCertificate {
    /// The files, in PEM form.
    package static let files: (certificate: String, key: String) = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "carillon-services-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let certificate = folder.appending(path: "certificate.pem").path()
        let key = folder.appending(path: "key.pem").path()
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try? openssl.startInTurn()
        openssl.waitUntilExit()
        precondition(openssl.terminationStatus == 0, "the command openssl could not make a certificate")
        return (certificate, key)
    }()
}
