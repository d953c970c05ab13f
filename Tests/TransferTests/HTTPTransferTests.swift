import Foundation
import Support
import Testing

@testable import Transfer

@Suite("HTTP requests", .serialized, .timeLimit(.minutes(5)))
struct HTTPTransferTests {
    private struct Echo: Decodable {
        let method: String
        let headers: [String: String]
        let body: String
    }

    private func url(_ server: TestServer, _ path: String, scheme: String = "https") -> String {
        "\(scheme)://127.0.0.1:\(server.port)\(path)"
    }

    private func request(
        _ method: HTTPTransfer.Method, _ url: String, headers: [HTTPField] = [], body: String = "",
        timeouts: TransferTimeouts = .init(), limit: Int = 1 << 16
    ) throws -> HTTPTransfer {
        HTTPTransfer(
            method, url, headers: headers, body: Array(body.utf8),
            trustedCertificates: try TestCertificate.trusted.get().authority, addresses: .any, bodyLimit: limit,
            timeouts: timeouts)
    }

    private func server() async throws -> TestServer {
        try await TestServer.http(certificate: try TestCertificate.trusted.get())
    }

    @Test("carry method, header and body, and bring status, header and body")
    func echo() async throws {
        let server = try await server()
        let post = try request(
            .post, url(server, "/echo"), headers: [HTTPField("Content-Type", "text/x"), HTTPField("X-Empty", "")],
            body: "grüße")
        let reply = try await withClient { try await $0.perform(post) }
        #expect(reply.status == 200 && !reply.isBodyTruncated)
        #expect(reply.headers.filter { $0.name == "x-two" }.map(\.value) == ["a", "b"])
        #expect(reply.header("x-empty") == "")
        let echo = try JSONDecoder().decode(Echo.self, from: Data(reply.body))
        #expect(echo.method == "POST" && echo.headers["content-type"] == "text/x" && echo.headers["x-empty"] == "")
        #expect(Data(echo.body.unicodeScalars.map { UInt8($0.value) }) == Data("grüße".utf8))
        #expect(echo.headers["expect"] == nil && echo.headers["accept-encoding"] == nil)
    }

    @Test("reuse connections")
    func reuse() async throws {
        let server = try await server()
        let get = try request(.get, url(server, "/status/202"))
        try await withClient { client in
            for _ in 1...3 {
                let reply = try await client.perform(get)
                #expect(reply.status == 202)
            }
        }
        #expect(await server.events("request", count: 3).map(\.connection) == [1, 1, 1])
    }

    @Test("answered with an error status are answered", arguments: [404, 429, 503])
    func statuses(status: Int) async throws {
        let server = try await server()
        let get = try request(.get, url(server, "/status/\(status)"))
        let reply = try await withClient { try await $0.perform(get) }
        #expect(reply.status == status && reply.header("retry-after") == "7")
    }

    @Test("do not follow redirects")
    func redirect() async throws {
        let server = try await server()
        let get = try request(.get, url(server, "/redirect"))
        let reply = try await withClient { try await $0.perform(get) }
        #expect(reply.status == 302)
        #expect(await server.events("request", count: 1).map(\.path) == ["/redirect"])
    }

    @Test("take no more of a body than allowed")
    func largeBody() async throws {
        let server = try await server()
        let get = try request(.get, url(server, "/large/10000000"), limit: 1000)
        let reply = try await withClient { try await $0.perform(get) }
        #expect(reply.status == 200 && reply.body.count == 1000 && reply.isBodyTruncated)
        let exact = try request(.get, url(server, "/large/1000"), limit: 1000)
        let whole = try await withClient { try await $0.perform(exact) }
        #expect(whole.body.count == 1000 && !whole.isBodyTruncated)
    }

    @Test("take no header without end")
    func largeHeader() async throws {
        let server = try await server()
        let get = try request(.get, url(server, "/headers/90000"))
        let error = try await withClient { client in await failure { try await client.perform(get) } }
        #expect(error?.code == .responseTooLarge)
    }

    @Test("time out when the server falls silent", arguments: ["/hang", "/trickle"])
    func silence(path: String) async throws {
        let server = try await server()
        let timeouts = TransferTimeouts(silence: .milliseconds(200))
        let post = try request(.post, url(server, path), body: "x", timeouts: timeouts)
        let error = try await withClient { client in await failure { try await client.perform(post) } }
        #expect(error?.code == .timeout && error?.phase == .exchange && error?.isOutcomeUnknown == true)
    }

    @Test("that get no answer have an unknown outcome, and a POST is not repeated on its own")
    func dropped() async throws {
        let server = try await server()
        let first = try request(.post, url(server, "/drop"), body: "x")
        let reused = try request(.post, url(server, "/drop-reused"), body: "x")
        try await withClient { client in
            #expect(await failure { try await client.perform(first) }?.isOutcomeUnknown == true)
            let reply = try await client.perform(reused)
            #expect(reply.status == 200)
            let error = await failure { try await client.perform(reused) }
            #expect(error?.code == .connectionLost && error?.isOutcomeUnknown == true)
        }
        #expect(await server.events("request", count: 3).count == 3)
    }

    @Test("go to nobody whose certificate is not trusted")
    func untrusted() async throws {
        let server = try await TestServer.http(certificate: try TestCertificate.stranger.get())
        let get = try request(.get, url(server, "/echo"))
        let error = try await withClient { client in await failure { try await client.perform(get) } }
        #expect(error?.code == .tls && error?.isOutcomeUnknown == false)
    }

    @Test("go unencrypted only where that is allowed")
    func plaintext() async throws {
        let server = try await TestServer.http()
        let address = url(server, "/status/200", scheme: "http")
        let allowed = HTTPTransfer(.get, address, addresses: .any, allowsPlaintext: true)
        let refused = HTTPTransfer(.get, address, addresses: .any)
        try await withClient { client in
            let reply = try await client.perform(allowed)
            #expect(reply.status == 200)
            #expect(await failure { try await client.perform(refused) }?.code == .invalidRequest)
        }
    }

    @Test(
        "go to no forbidden address, in whatever notation",
        arguments: ["127.0.0.1", "localhost", "0x7f.1", "2130706433"])
    func forbidden(host: String) async throws {
        let server = try await TestServer.http()
        let get = HTTPTransfer(.get, "http://\(host):\(server.port)/echo", allowsPlaintext: true)
        let error = try await withClient { client in await failure { try await client.perform(get) } }
        #expect(error?.code == .addressForbidden)
    }

    @Test("that are cancelled end at once")
    func cancellation() async throws {
        let server = try await server()
        let get = try request(.get, url(server, "/hang"))
        let error = try await withClient { client in
            await withTaskGroup(of: TransferError?.self) { group in
                group.addTask { await failure { try await client.perform(get) } }
                _ = await server.events("request", count: 1)
                group.cancelAll()
                return await group.next() ?? nil
            }
        }
        #expect(error?.code == .cancelled)
    }
}
