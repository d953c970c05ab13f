import Foundation
import Programs

/// A self-signed certificate for localhost, made once for the tests by the `openssl` command.
enum TestCertificate {
    struct Files: Sendable {
        let certificate: String
        let key: String
    }

    static let files: Files = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "carillon-grpc-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = Files(
            certificate: folder.appending(path: "certificate.pem").path(), key: folder.appending(path: "key.pem").path()
        )
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", files.key,
            "-out", files.certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try? openssl.startInTurn()
        openssl.waitUntilExit()
        precondition(openssl.terminationStatus == 0, "the command openssl could not make a certificate")
        return files
    }()
}
