internal import CarillonGRPC
internal import CarillonNet

/// Calls to a server from a command, on a loop of their own.
enum Calls {
    /// Makes a client for the time of one closure.
    ///
    /// - Parameters:
    ///   - authorization: the credential of every call; nil for none.
    ///   - connectTimeout: how long connecting may take.
    static func with<Result: Sendable>(
        _ settings: CallSettings, authorization: String?, connectTimeout: Duration = .seconds(10),
        _ body: (RPCClient) async throws(Status) -> Result
    ) async -> Swift.Result<Result, Status> {
        let loop = EventLoop(name: "calls")
        var configuration = RPCClient.Configuration(
            host: settings.address.host, port: settings.address.port, tls: settings.tls,
            metadata: metadata(authorization), connectTimeout: connectTimeout)
        configuration.userAgentPrefix = "carillon/\(Version.text)"
        let client = RPCClient(loop: loop, configuration: configuration)
        let result: Swift.Result<Result, Status>
        do throws(Status) {
            result = .success(try await body(client))
        } catch {
            result = .failure(error)
        }
        await client.close()
        await loop.shutDown()
        return result
    }

    /// Makes a client without a credential of its own for the time of one closure that may fail by other causes too.
    static func session<Result: Sendable>(
        _ settings: CallSettings, _ body: @Sendable (RPCClient) async throws -> Result
    ) async throws -> Result {
        let result: Swift.Result<Swift.Result<Result, any Error>, Status> = await with(settings, authorization: nil) {
            client in
            do {
                return .success(try await body(client))
            } catch {
                return .failure(error)
            }
        }
        return try result.get().get()
    }

    /// The header fields that carry a credential.
    static func metadata(_ authorization: String?) -> [(name: String, value: String)] {
        authorization.map { [("authorization", "Bearer \($0)")] } ?? []
    }
}
