import Foundation
import Testing

@testable import CarillonNet

/// What TLS lets in, against the `openssl` command and Python.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TLSRulesTests {
    let files: TestFiles
    let settings: TLSServerSettings

    init() throws {
        files = try TestFiles.shared.get()
        settings = TLSServerSettings(certificateChain: files.path("server.pem"), privateKey: files.path("server.key"))
    }

    private func connect(_ probe: TLSProbe, _ arguments: String...) async throws -> String {
        try await Command.run(
            [
                "openssl", "s_client", "-connect", "127.0.0.1:\(probe.port)", "-CAfile", files.path("ca.pem"),
                "-ign_eof",
            ] + arguments
        ).output
    }

    /// The text is read to its end, also when it is a long one, and none is as good as none.
    @Test func authoritiesMayComeAsText() throws {
        var client = TLSClientSettings()
        let text = try String(contentsOfFile: files.path("ca.pem"), encoding: .utf8)
        client.trustedText = String(repeating: text, count: 500)
        _ = try TLSContext(client: client)
        for broken in ["", "no certificate", String(text.dropLast(60))] {
            client.trustedText = broken
            #expect(throws: TLSError.self) { try TLSContext(client: client) }
        }
    }

    @Test func theBestOfBothSidesIsChosen() async throws {
        let probe = try await TLSProbe.start(settings)
        let output = try await connect(probe, "-alpn", "h2", "-servername", "localhost")
        #expect(output.contains("ALPN protocol: h2"))
        #expect(output.contains("Server Temp Key: X25519"))
        #expect(output.contains("Verify return code: 0"))
        #expect(output.contains("hello"))
        // The client prefers AES-256; AES-128 is chosen.
        #expect(output.contains("Cipher is TLS_AES_128_GCM_SHA256"))
        // TLS 1.3 takes the client's share as it comes, rather than a further round trip; TLS 1.2 chooses freely.
        let older = try await connect(probe, "-alpn", "h2", "-tls1_2", "-groups", "P-256:X25519")
        #expect(older.contains("Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"))
        #expect(older.contains("Server Temp Key: X25519"))
        await probe.stop()
    }

    @Test(arguments: ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
    func ciphersThatHTTP2ForbidsAreNotTaken(cipher: String) async throws {
        let probe = try await TLSProbe.start(settings)
        _ = try await connect(probe, "-alpn", "h2", "-tls1_2", "-cipher", cipher)
        let event = await probe.events.first(containing: "failed")
        #expect(event.contains("the client offers no cipher that HTTP/2 allows"))
        await probe.stop()
    }

    @Test func olderVersionsAreRefusedWithWords() async throws {
        let probe = try await TLSProbe.start(settings)
        let output = try await connect(probe, "-alpn", "h2", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        #expect(output.contains("alert protocol version"))
        let event = await probe.events.first(containing: "failed")
        #expect(event.contains("speaks only TLS older than 1.2"))
        await probe.stop()
    }

    @Test func aClientThatOffersOnlyHTTP1IsToldByAnAlert() async throws {
        let probe = try await TLSProbe.start(settings)
        let output = try await connect(probe, "-alpn", "http/1.1,http/1.0")
        #expect(output.contains("no application protocol"))
        let event = await probe.events.first(containing: "failed")
        #expect(event.hasSuffix("the client offers only http/1.1, http/1.0 by ALPN; this port takes HTTP/2 (h2)"))
        await probe.stop()
    }

    @Test func aClientThatDoesNotKnowTheAuthorityIsNamedAsThat() async throws {
        let probe = try await TLSProbe.start(settings)
        _ = try await Command.run([
            "openssl", "s_client", "-connect", "127.0.0.1:\(probe.port)", "-alpn", "h2", "-CAfile",
            files.path("stranger.pem"), "-verify_return_error",
        ])
        let event = await probe.events.first(containing: "failed")
        #expect(event.contains("does not trust this server's certificate"))
        #expect(event.contains("unknown_ca"))
        await probe.stop()
    }

    @Test func renegotiationIsRefused() async throws {
        let probe = try await TLSProbe.start(settings, .listen)
        // A line that begins with R asks for a renegotiation.
        let output = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(probe.port)", "-alpn", "h2", "-tls1_2"], input: "R\n"
        ).output
        #expect(output.contains("RENEGOTIATING"))
        #expect(output.contains("no renegotiation"))
        await probe.stop()
    }

    @Test func earlyDataIsNotOffered() async throws {
        let probe = try await TLSProbe.start(settings)
        let output = try await connect(probe, "-alpn", "h2")
        #expect(output.contains("Max Early Data: 0"))
        await probe.stop()
    }

    @Test func anEndWithoutGoodbyeIsAnEndAndNoFailure() async throws {
        let probe = try await TLSProbe.start(settings, .listen)
        let outcome = try await Command.python(
            """
            import socket, ssl, sys
            context = ssl.create_default_context(cafile=sys.argv[2])
            context.set_alpn_protocols(["h2"])
            tls = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))),
                                      server_hostname="localhost")
            tls.sendall(b"x" * 100)
            tls.close()
            """, "\(probe.port)", files.path("ca.pem"))
        #expect(outcome.status == 0, "\(outcome.output)")
        await probe.events.first(containing: "closed")
        #expect(probe.events.all.dropFirst() == ["received 100", "closed"])
        await probe.stop()
    }

    @Test func aFewKeyUpdatesAreFineAndAFloodIsNot() async throws {
        let probe = try await TLSProbe.start(settings, .listen)
        let (few, many) = (try await updateKeys(probe, times: 8), try await updateKeys(probe, times: 500))
        #expect(few == 8)
        #expect(many > 8)
        #expect(probe.events.all.filter { $0 == "closed" }.count == 1)
        await probe.events.first(containing: "failed: the peer sends handshake messages (key updates) without end")
        await probe.stop()
    }

    /// Has `openssl s_client` renew its keys, one line of input after the other; returns how often it did.
    private func updateKeys(_ probe: TLSProbe, times: Int) async throws -> Int {
        let output = try await Command.python(
            """
            import subprocess, sys
            client = subprocess.Popen(
                ["openssl", "s_client", "-connect", "127.0.0.1:" + sys.argv[1], "-alpn", "h2"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            updates = 0
            try:
                while client.stdout.readline().strip() != b"---": pass
                for _ in range(int(sys.argv[2])):
                    client.stdin.write(b"K\\n")
                    client.stdin.flush()
                    # It says so when it has sent one, and takes the next line only then.
                    while True:
                        line = client.stdout.readline()
                        if not line: raise BrokenPipeError
                        if line.strip() == b"KEYUPDATE": break
                    updates += 1
                client.stdin.close()
            except BrokenPipeError:
                pass
            client.wait()
            print("updates", updates)
            """, "\(probe.port)", "\(times)"
        ).output
        return Int(output.split(separator: " ").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "") ?? -1
    }

    @Test func filesThatDoNotFitAreRefusedWithTheirNames() throws {
        var broken = settings
        broken.clientAuthorities = files.path("server.key")
        let authorities = #expect(throws: TLSError.self) { try TLSContext(server: broken) }
        #expect(authorities?.description.contains("server.key") == true)
        broken = settings
        broken.ticketKeys = files.path("ca.pem")
        let tickets = #expect(throws: TLSError.self) { try TLSContext(server: broken) }
        #expect(tickets?.description.contains("80 octets") == true)
        broken = settings
        broken.privateKey = files.path("ca.key")
        #expect(throws: TLSError.self) { try TLSContext(server: broken) }
        var client = TLSClientSettings(trustedCertificates: files.path("ca.pem"))
        client.certificateChain = files.path("orders.pem")
        let lonely = #expect(throws: TLSError.self) { try TLSContext(client: client) }
        #expect(lonely?.description.contains("no private key") == true)
    }
}
