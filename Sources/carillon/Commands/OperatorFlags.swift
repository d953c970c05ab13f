internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Security

/// The settings of commands that call as the operator.
struct OperatorFlags: SettingFlags {
    @Option(.address) var address: String?
    @Option(.ca) var ca: String?
    @Option(.clientCertificate) var clientCertificate: String?
    @Option(.clientKey) var clientKey: String?
    @Option(.operatorKeyFile) var operatorKeyFile: String?
    @Option(.config) var config: String?

    var given: [SettingKey: String?] {
        [
            .address: address, .ca: ca, .clientCertificate: clientCertificate, .clientKey: clientKey,
            .operatorKeyFile: operatorKeyFile, .config: config,
        ]
    }
}

extension OperatorFlags {
    /// Calls TenantService as the operator.
    ///
    /// - Throws: the exit code, after what went wrong was said.
    func call<Response: Sendable>(
        _ body: @Sendable (TenantServiceClient, CallOptions) async throws(Status) -> Response
    ) async throws -> Response {
        let (settings, key) = try configured { () throws(ConfigurationMistakes) in
            var reader = reader()
            let key = ServeSettings.operatorKey(&reader)
            let settings = try CallSettings(reader)
            return (settings, key)
        }
        let result = await Calls.with(settings, authorization: key?.text) { client throws(Status) in
            try await body(TenantServiceClient(client), CallOptions(timeout: .seconds(30)))
        }
        switch result {
        case .success(let response): return response
        case .failure(let status):
            throw Console.fail(StatusText.of(status), with: status.code == .unavailable ? .unavailable : .failure)
        }
    }
}
