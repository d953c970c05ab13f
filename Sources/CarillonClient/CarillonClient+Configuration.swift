internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet

extension CarillonClient {
    /// Where the servers are, who calls them, and how.
    public struct Configuration: Sendable {
        /// Names of servers that all serve the same; at least one. Calls take turns on all their addresses.
        public var endpoints: [Endpoint]
        /// Who the client is.
        public var credential: Credential
        /// The tenant that calls are for, where the credential may act for several: an internal service's certificate. `nil` for
        /// credentials that speak for one.
        public var tenant: String?
        /// Whose certificates the servers may show.
        public var trust = TrustedAuthorities.system
        /// The name that every server's certificate must carry; `nil` for the name that is dialled.
        public var serverName: String?
        /// The certificate that the client shows; `nil` for none.
        public var certificate: ClientCertificate?
        /// How long a call waits for its answer, repeats included, unless it says otherwise.
        public var timeout: Duration = .seconds(10)
        /// How long one attempt to connect may take, TLS included.
        public var connectTimeout: Duration = .seconds(20)
        /// How calls are repeated that may safely run twice: all of this library's, as ``CarillonClient/publish(_:timeout:)``
        /// is known by its event's key and the others change nothing.
        public var retry = RetryRules()
        /// How a dead connection is found; `nil` leaves that to the system.
        public var keepalive: KeepaliveRules? = KeepaliveRules()
        /// Connections are closed when no call was open for so long.
        public var idleTimeout: Duration = .seconds(30 * 60)
        /// The program's own name and version, such as `portal/2.1`, for the servers' logs. Printable ASCII.
        public var userAgent = ""

        /// Makes a configuration; everything else has a default.
        public init(endpoints: [Endpoint], credential: Credential) {
            self.endpoints = endpoints
            self.credential = credential
        }

        /// The same for the transport.
        ///
        /// - Throws: ``CarillonError/Code/invalidConfiguration`` for what cannot be used.
        func forCalls() throws(CarillonError) -> RPCClient.Configuration {
            guard !endpoints.isEmpty else {
                throw CarillonError(code: .invalidConfiguration, message: "no endpoint is named")
            }
            var configuration = RPCClient.Configuration(
                endpoints: endpoints.map { .init(host: $0.host, port: $0.port) }, tls: try tls(),
                metadata: try metadata())
            configuration.serverName = serverName
            configuration.userAgentPrefix = userAgent
            if let defect = configuration.defect {
                throw CarillonError(code: .invalidConfiguration, message: defect.message)
            }
            configuration.backoff.connectTime = connectTimeout
            configuration.keepalive = keepalive.map { KeepalivePolicy(time: $0.silence, timeout: $0.patience) }
            configuration.idleTimeout = idleTimeout
            configuration.service = ServiceConfig(methods: [
                MethodConfig(
                    names: [
                        "/carillon.v1.DeliveryService/Publish", "/carillon.v1.DeliveryService/CancelEvent",
                        "/carillon.v1.DeliveryService/GetNotification",
                        "/carillon.v1.PreferenceService/CheckPreference", "/carillon.v1.InboxService/",
                    ], retry: retry.policy)
            ])
            return configuration
        }

        private func tls() throws(CarillonError) -> TLSContext {
            var settings = TLSClientSettings()
            switch trust {
            case .system: break
            case .file(let path): settings.trustedCertificates = path
            case .pem(let text): settings.trustedText = text
            }
            settings.certificateChain = certificate?.chainFile
            settings.privateKey = certificate?.keyFile
            do throws(TLSError) {
                return try TLSContext(client: settings)
            } catch {
                throw CarillonError(code: .invalidConfiguration, message: error.description)
            }
        }

        private func metadata() throws(CarillonError) -> [(name: String, value: String)] {
            try authorization() + tenantClaim()
        }

        private func tenantClaim() throws(CarillonError) -> [(name: String, value: String)] {
            guard let tenant else { return [] }
            // Whether there is such a tenant is the server's to say; here it must be a field's value.
            guard !tenant.isEmpty, tenant.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw CarillonError(
                    code: .invalidConfiguration, message: "the tenant is empty or has characters no tenant's id has")
            }
            return [("carillon-tenant", tenant)]
        }

        private func authorization() throws(CarillonError) -> [(name: String, value: String)] {
            switch credential {
            case .certificate: return []
            case .apiKey(let key):
                // Read from a file, a key often brings a line break along.
                guard !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                    throw CarillonError(
                        code: .invalidConfiguration, message: "the API key is empty or has characters no key has")
                }
                return [("authorization", "Bearer \(key)")]
            }
        }
    }
}
