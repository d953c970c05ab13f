import CarillonNet
import Support
import Testing

@testable import Transfer

/// Runs a test's body with a client on a loop of its own, and takes both down after it.
func withClient<Value: Sendable>(
    limits: TransferLimits = TransferLimits(),
    _ body: @escaping @Sendable (TransferClient) async throws -> Value
) async throws -> Value {
    let loop = EventLoop(name: "test")
    let result: Result<Value, any Error> = await loop.run {
        let client = TransferClient(loop: loop, limits: limits)
        defer { client.close() }
        do { return .success(try await body(client)) } catch { return .failure(error) }
    }
    await loop.shutDown()
    return try result.get()
}

extension MailRoute {
    /// The route to a test server on this machine.
    static func to(
        _ server: TestServer, _ security: Security = .none, credentials: Credentials? = nil,
        trusted: String? = nil, addresses: AddressPolicy = .any
    ) -> MailRoute {
        MailRoute(
            host: "127.0.0.1", port: server.port, security: security, credentials: credentials,
            trustedCertificates: trusted, clientName: "client.example", addresses: addresses)
    }
}

extension MailTransfer {
    /// A small mail.
    static func sample(
        _ route: MailRoute, recipient: String = "ann@example.org", message: String = "Subject: x\r\n\r\nHello\r\n",
        timeouts: TransferTimeouts = .init()
    ) -> MailTransfer {
        MailTransfer(
            route: route, sender: "sender@example.com", recipient: recipient, message: Array(message.utf8),
            timeouts: timeouts)
    }
}

/// The error of a transfer that must fail.
func failure<Value>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Value
) async -> TransferError? {
    do {
        _ = try await body()
        Issue.record("the transfer succeeded", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error as? TransferError
    }
}
