import CarillonNet
import Foundation
import Programs
import Testing

@testable import carillon

@Suite("The development CA")
struct DevelopmentAuthorityTests {
    private static let now = Date()
    private static let day: TimeInterval = 24 * 60 * 60

    /// What the `openssl` program, which knows nothing of the library that made the certificate, says.
    private static func openssl(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe.forProgram()
        process.standardOutput = output
        process.standardError = output
        try process.startInTurn()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    @Test("signs a certificate for this machine that OpenSSL verifies")
    func contents() throws {
        let folder = try ScratchFolder()
        let authority = DevelopmentAuthority(in: folder.url)
        #expect(try authority.prepare(now: Self.now))
        for name in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
            let verified = try Self.openssl(
                ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", authority.certificate.path]
                    + name + [authority.serverCertificate.path])
            #expect(verified.status == 0, "\(verified.text)")
        }
        let stranger = try Self.openssl([
            "verify", "-CAfile", authority.certificate.path, "-verify_hostname", "example.com",
            authority.serverCertificate.path,
        ])
        #expect(stranger.status != 0)
        let shown = try Self.openssl(["x509", "-noout", "-text", "-in", authority.serverCertificate.path]).text
        #expect(shown.contains("prime256v1"))
        #expect(shown.contains("TLS Web Server Authentication"))
        #expect(shown.contains("CA:FALSE"))
        let ca = try Self.openssl(["x509", "-noout", "-text", "-in", authority.certificate.path]).text
        #expect(ca.contains("CA:TRUE, pathlen:0"))
    }

    @Test("keeps its keys to its owner, and its server's key fits the certificate")
    func files() throws {
        let folder = try ScratchFolder()
        let authority = DevelopmentAuthority(in: folder.url)
        try authority.prepare(now: Self.now)
        #expect(try folder.mode(of: "ca.key") == 0o600)
        #expect(try folder.mode(of: "server.key") == 0o600)
        #expect(try folder.mode(of: "ca.pem") == 0o644)
        #expect(try folder.mode(of: "server.pem") == 0o644)
        #expect(throws: Never.self) {
            try TLSContext(
                serverCertificateChain: authority.serverCertificate.path, privateKey: authority.serverKey.path)
        }
    }

    @Test("is kept while it lasts; the server's certificate is renewed a month before its end, the CA long before")
    func renewal() throws {
        let folder = try ScratchFolder()
        let authority = DevelopmentAuthority(in: folder.url)
        try authority.prepare(now: Self.now)
        let files = { (KeptFile.read(authority.certificate), KeptFile.read(authority.serverCertificate)) }
        let (ca, server) = files()
        #expect(try !authority.prepare(now: Self.now.addingTimeInterval(334 * Self.day)))
        #expect(files() == (ca, server))
        #expect(try !authority.prepare(now: Self.now.addingTimeInterval(336 * Self.day)))
        let renewed = files()
        #expect(renewed.0 == ca)
        #expect(renewed.1 != server)
        #expect(try authority.prepare(now: Self.now.addingTimeInterval(3300 * Self.day)))
        #expect(files().0 != ca)
    }

    @Test("is made anew when one of its files is missing or belongs to another", arguments: ["ca.key", "ca.pem"])
    func damage(name: String) throws {
        let folder = try ScratchFolder()
        let authority = DevelopmentAuthority(in: folder.url)
        try authority.prepare(now: Self.now)
        let before = KeptFile.read(authority.certificate)
        _ = try folder.file(name, "garbage")
        #expect(try authority.prepare(now: Self.now))
        #expect(KeptFile.read(authority.certificate) != before)
        let verified = try Self.openssl([
            "verify", "-CAfile", authority.certificate.path, authority.serverCertificate.path,
        ])
        #expect(verified.status == 0, "\(verified.text)")
    }

    @Test(
        "gives the server a certificate again when it is gone, without a new CA",
        arguments: ["server.pem", "server.key"])
    func serverDamage(name: String) throws {
        let folder = try ScratchFolder()
        let authority = DevelopmentAuthority(in: folder.url)
        try authority.prepare(now: Self.now)
        try FileManager.default.removeItem(at: folder.url.appending(path: name))
        #expect(try !authority.prepare(now: Self.now))
        #expect(throws: Never.self) {
            try TLSContext(
                serverCertificateChain: authority.serverCertificate.path, privateKey: authority.serverKey.path)
        }
    }
}
