import Foundation
import Testing

@testable import CarillonNet

/// Clients that show certificates, against the `openssl` command.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ClientCertificateTests {
    let files: TestFiles

    init() throws {
        files = try TestFiles.shared.get()
    }

    private func settings(_ demand: TLSServerSettings.ClientCertificates) -> TLSServerSettings {
        var settings = TLSServerSettings(
            certificateChain: files.path("server.pem"), privateKey: files.path("server.key"))
        settings.clientAuthorities = files.path("ca.pem")
        settings.clientCertificates = demand
        return settings
    }

    private func connect(_ probe: TLSProbe, as client: String?, _ arguments: String...) async throws -> String {
        let shown = client.map { ["-cert", files.path("\($0).pem"), "-key", files.path("\($0).key")] } ?? []
        return try await Command.run(
            [
                "openssl", "s_client", "-connect", "127.0.0.1:\(probe.port)", "-alpn", "h2", "-CAfile",
                files.path("ca.pem"), "-ign_eof",
            ] + shown + arguments
        ).output
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func theOneSpiffeURIIsTheIdentity(version: String) async throws {
        let probe = try await TLSProbe.start(settings(.required))
        let output = try await connect(probe, as: "orders", version)
        #expect(output.contains("hello"))
        #expect(output.contains("Acceptable client certificate CA names\nCN = ca"))
        let event = await probe.events.first(containing: "established")
        #expect(event.hasSuffix("identity=spiffe://example.org/ns/shop/sa/orders"))
        await probe.stop()
    }

    @Test(arguments: [
        ("two", "the client's certificate is refused: it names 2 URIs; exactly one spiffe:// URI is wanted"),
        ("nobody", "the client's certificate is refused: it names no URI; exactly one spiffe:// URI is wanted"),
        (
            "signing", "the client's certificate is refused: it is the certificate of an authority, not of a workload"
        ),
        ("useless", "the client's certificate is refused: its key usage is without digitalSignature"),
        ("foreign", "the client's certificate is not trusted: unable to get local issuer certificate"),
    ])
    func whatIsNoIdentityIsRefusedWithTheReason(client: String, reason: String) async throws {
        let probe = try await TLSProbe.start(settings(.optional))
        let output = try await connect(probe, as: client)
        #expect(output.contains("alert"))
        #expect(!output.contains("hello"))
        let event = await probe.events.first(containing: "failed")
        #expect(event == "failed in the handshake: \(reason)")
        await probe.stop()
    }

    @Test func aChainMayHaveSoManyAuthoritiesAndNoMore() async throws {
        let probe = try await TLSProbe.start(settings(.required))
        let depth = Int(TLSLimits.chainDepth)
        let longest = try await connect(
            probe, as: "deep\(depth)", "-cert_chain", files.path("deep\(depth).chain"))
        #expect(longest.contains("hello"))
        let longer = try await connect(
            probe, as: "deep\(depth + 1)", "-cert_chain", files.path("deep\(depth + 1).chain"))
        #expect(longer.contains("alert") && !longer.contains("hello"))
        let event = await probe.events.first(containing: "failed")
        #expect(
            event == "failed in the handshake: the client's certificate is not trusted: certificate chain too long")
        await probe.stop()
    }

    @Test func withoutACertificateOptionalLetsInAndRequiredDoesNot() async throws {
        let lenient = try await TLSProbe.start(settings(.optional))
        _ = try await connect(lenient, as: nil)
        #expect(await lenient.events.first(containing: "established").hasSuffix("identity=none"))
        await lenient.stop()
        let strict = try await TLSProbe.start(settings(.required))
        let output = try await connect(strict, as: nil)
        #expect(output.contains("certificate required"))
        let event = await strict.events.first(containing: "failed")
        #expect(event.hasSuffix("the client shows no certificate, and one is required"))
        await strict.stop()
    }

    @Test func aResumedSessionKeepsItsIdentityUntilOtherAuthoritiesDecide() async throws {
        var settings = settings(.required)
        // The authorities' file is the test's own, since it changes.
        let own = files.path("authorities-\(UUID().uuidString).pem")
        try FileManager.default.copyItem(atPath: files.path("ca.pem"), toPath: own)
        settings.clientAuthorities = own
        let session = files.path("session-\(UUID().uuidString)")
        let probe = try await TLSProbe.start(settings)
        _ = try await connect(probe, as: "orders", "-sess_out", session)
        _ = try await connect(probe, as: "orders", "-sess_in", session)
        let resumed = await probe.events.first(containing: "resumed=true")
        #expect(resumed.hasSuffix("identity=spiffe://example.org/ns/shop/sa/orders"))
        try Data(contentsOf: URL(filePath: files.path("stranger.pem"))).write(to: URL(filePath: own))
        try probe.context.reload()
        _ = try await connect(probe, as: "orders", "-sess_in", session)
        await probe.events.first(containing: "failed in the handshake: the client's certificate is not trusted")
        await probe.stop()
    }

    /// With the same keys for tickets, as two servers have before and after a change of their settings.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aSessionOfWhichNoCertificateWasDemandedIsNotResumedWhereOneIs(version: String) async throws {
        let keys = files.path("tickets-\(UUID().uuidString)")
        try Data((0..<80).map { _ in UInt8.random(in: 0...255) }).write(to: URL(filePath: keys))
        let session = files.path("session-\(UUID().uuidString)")
        var (open, strict) = (settings(.optional), settings(.required))
        (open.ticketKeys, strict.ticketKeys) = (keys, keys)
        let before = try await TLSProbe.start(open)
        _ = try await connect(before, as: nil, version, "-sess_out", session)
        _ = try await connect(before, as: nil, version, "-sess_in", session)
        await before.events.first(containing: "resumed=true")
        await before.stop()
        let after = try await TLSProbe.start(strict)
        let output = try await connect(after, as: nil, version, "-sess_in", session)
        #expect(!output.contains("hello"))
        let event = await after.events.first(containing: "failed")
        #expect(event.hasSuffix("the client shows no certificate, and one is required"))
        await after.stop()
    }

    @Test(arguments: [
        "spiffe://example.org/", "spiffe://example.org", "spiffe:///path", "https://example.org/a",
        "spiffe://Example.org/a", "spiffe://example.org:443/a", "spiffe://example.org/a//b", "spiffe://example.org/a/",
        "spiffe://example.org/../a", "spiffe://example.org/./a", "spiffe://example.org/a?b", "spiffe://example.org/a#b",
        "spiffe://user@example.org/a", "spiffe://example.org/a%20b", "SPIFFE://example.org/a", "",
        "spiffe://example.org/" + String(repeating: "a", count: 2048),
        "spiffe://" + String(repeating: "a", count: 256) + "/a",
    ])
    func textsThatAreNoIdentityAreRefused(text: String) {
        #expect(throws: PeerIdentity.Refusal.self) { try PeerIdentity(text) }
    }

    @Test func anIdentityHasADomainAndAPath() throws {
        let identity = try PeerIdentity("spiffe://prod.example-1.org/ns/Shop_1/...")
        #expect(identity.trustDomain == "prod.example-1.org")
        #expect(identity.path == "/ns/Shop_1/...")
        #expect("\(identity)" == "spiffe://prod.example-1.org/ns/Shop_1/...")
    }
}
