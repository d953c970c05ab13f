package import Foundation
internal import Programs

/// A certificate authority and a server certificate for localhost and 127.0.0.1, made anew for a test run.
package struct TestCertificate: Sendable {
    /// Where ca.pem, certificate.pem and key.pem are.
    package let directory: URL

    /// The certificate of this run. Two of them share no authority.
    package static let trusted = Result { try TestCertificate() }
    /// Another one, which clients of the first must refuse.
    package static let stranger = Result { try TestCertificate() }

    private init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "carillon-certificate-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = try TestServer.python()
        process.arguments = [
            TestServer.support.appending(path: "smtp_server.py").path, "--make-certificate", directory.path,
        ]
        try process.startInTurn()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestServer.CannotStart(description: "no certificate: is the openssl command there?")
        }
    }

    /// The authority's certificate as PEM.
    package var authority: String {
        get throws { try String(contentsOf: directory.appending(path: "ca.pem"), encoding: .utf8) }
    }

    var arguments: [String] {
        [
            "--certificate", directory.appending(path: "certificate.pem").path,
            "--key", directory.appending(path: "key.pem").path,
        ]
    }
}
