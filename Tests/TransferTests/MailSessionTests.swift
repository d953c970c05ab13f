import CarillonNet
import Support
import Testing

@testable import Transfer

@Suite("Sessions with a mail relay", .serialized, .timeLimit(.minutes(5)))
struct MailSessionTests {
    private static let credentials = MailRoute.Credentials(user: "relay-user", password: "relay-pass")
    private static let login = ["--user", "relay-user", "--password", "relay-pass"]

    @Test(
        "are not opened with a certificate that is not trusted, and nothing is sent",
        arguments: ["starttls", "implicit"])
    func untrusted(tls: String) async throws {
        let server = try await TestServer.smtp(
            ["--tls", tls] + Self.login, certificate: try TestCertificate.stranger.get())
        let trusted = try TestCertificate.trusted.get().authority
        for authority in [trusted, nil] {
            let route = MailRoute.to(
                server, tls == "starttls" ? .startTLS : .implicitTLS, credentials: Self.credentials, trusted: authority)
            let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
            #expect(error?.code == .tls && error?.phase == .connecting)
        }
        #expect(server.events.allSatisfy { $0.user == nil && $0.event != "message" })
    }

    @Test("are not opened without encryption where it is required")
    func noStartTLS() async throws {
        let server = try await TestServer.smtp()
        let route = MailRoute.to(server, .startTLS, credentials: Self.credentials)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .encryptionRefused)
    }

    @Test("are not opened with wrong credentials")
    func wrongCredentials() async throws {
        let certificate = try TestCertificate.trusted.get()
        let server = try await TestServer.smtp(["--tls", "starttls"] + Self.login, certificate: certificate)
        let wrong = MailRoute.Credentials(user: "relay-user", password: "secret-guess")
        let route = MailRoute.to(server, .startTLS, credentials: wrong, trusted: try certificate.authority)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .authenticationRefused && error?.reply?.code == 535)
        #expect(error.map { !"\($0) \(String(reflecting: $0))".contains("secret-guess") } == true)
    }

    @Test("are not opened when credentials are to be given and nobody asks for them")
    func nobodyAsks() async throws {
        let certificate = try TestCertificate.trusted.get()
        let server = try await TestServer.smtp(["--tls", "starttls"], certificate: certificate)
        let route = MailRoute.to(
            server, .startTLS, credentials: Self.credentials, trusted: try certificate.authority)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .authenticationRefused && error?.reply == nil)
    }

    @Test("are not opened with a server that refuses at the door", arguments: ["421 4.3.2 Busy", "554 5.7.1 Go away"])
    func greeting(reply: String) async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "connect", "do": ["\#(reply)"]}]"#)
        let route = MailRoute.to(server)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .refused && error?.phase == .connecting)
        #expect(error?.reply?.code == Int(reply.prefix(3)))
    }

    @Test("are not opened where nobody listens")
    func nobodyListens() async throws {
        let route = MailRoute(host: "127.0.0.1", port: 1, security: .none, addresses: .any)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .connect)
    }

    @Test("are not opened to a name that does not exist, and the loop goes on meanwhile")
    func noSuchName() async throws {
        let route = MailRoute(host: "does-not-exist.invalid", port: 25, security: .none)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .resolve)
    }

    @Test(
        "are not opened to an address that the policy forbids, by whatever name", arguments: ["127.0.0.1", "localhost"])
    func forbidden(host: String) async throws {
        let server = try await TestServer.smtp()
        let route = MailRoute(host: host, port: server.port, security: .none)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .addressForbidden)
        #expect(server.connections == 0)
    }

    @Test("that the relay closed while idle are replaced without anybody noticing")
    func closedWhileIdle() async throws {
        // The second mail finds the session closed by the server.
        let server = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["late", "accept"]}]"#)
        let route = MailRoute.to(server)
        try await withClient { client in
            _ = try await client.perform(.sample(route))
            let second = try await client.perform(.sample(route))
            #expect(second.wasConnectionReused == false, "a session that said too much is not used again")
        }
        #expect(await server.events("message", count: 2).count == 2)
    }

    @Test(
        "that end as they are used again are replaced once: the mail arrives once",
        arguments: ["421 4.4.2 Idle", "drop"])
    func closedOnUse(action: String) async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "mail", "do": ["accept", "\#(action)", "accept"]}]"#)
        let route = MailRoute.to(server)
        try await withClient { client in
            _ = try await client.perform(.sample(route))
            let receipt = try await client.perform(.sample(route))
            #expect(receipt.wasConnectionReused == false)
            #expect(client.openedSessions == 2)
        }
        #expect(await server.events("message", count: 2).count == 2)
    }

    @Test("end after a time without use")
    func idleTimeout() async throws {
        let server = try await TestServer.smtp()
        let route = MailRoute.to(server)
        try await withClient(limits: TransferLimits(idleTimeout: .milliseconds(50))) { client in
            _ = try await client.perform(.sample(route))
            _ = await server.events("disconnected", count: 1)
            #expect(client.idleCount == 0)
            let receipt = try await client.perform(.sample(route))
            #expect(receipt.wasConnectionReused == false)
        }
    }

    @Test("are kept up to a number; the longest unused goes")
    func idleBound() async throws {
        let servers = [try await TestServer.smtp(), try await TestServer.smtp(), try await TestServer.smtp()]
        let routes = servers.map { MailRoute.to($0) }
        try await withClient(limits: TransferLimits(idleConnections: 2)) { client in
            for route in routes { _ = try await client.perform(.sample(route)) }
            #expect(client.idleCount == 2)
            let kept = try await client.perform(.sample(routes[2]))
            #expect(kept.wasConnectionReused)
            let dropped = try await client.perform(.sample(routes[0]))
            #expect(!dropped.wasConnectionReused)
        }
    }

    @Test("are not shared between identities")
    func identities() async throws {
        let server = try await TestServer.smtp()
        let other = MailRoute(
            host: "127.0.0.1", port: server.port, security: .none, clientName: "other.example", addresses: .any)
        let route = MailRoute.to(server)
        try await withClient { client in
            _ = try await client.perform(.sample(route))
            let receipt = try await client.perform(.sample(other))
            #expect(receipt.wasConnectionReused == false)
        }
    }

    @Test("end with their client, and what is under way fails")
    func closing() async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        try await withClient(limits: TransferLimits(transfersPerDestination: 1)) { client in
            let tasks = (1...2).map { _ in
                client.loop.spawn {
                    let error = await failure { try await client.perform(.sample(route)) }
                    #expect(error?.code == .closed)
                }
            }
            _ = await server.events("connected", count: 1)
            client.close()
            for task in tasks { await task.value }
            let error = await failure { try await client.perform(.sample(route)) }
            #expect(error?.code == .closed)
        }
        _ = await server.events("disconnected", count: 1)
    }

    @Test("invalid requests open none")
    func invalid() async throws {
        let server = try await TestServer.smtp()
        let route = MailRoute.to(server)
        let error = try await withClient { client in
            await failure { try await client.perform(.sample(route, recipient: "a@b>\r\nRCPT TO:<c@d")) }
        }
        #expect(error?.code == .invalidRequest && server.connections == 0)
    }
}
