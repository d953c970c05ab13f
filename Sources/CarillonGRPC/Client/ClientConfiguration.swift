package import CarillonNet

extension RPCClient {
    /// A name and port at which servers are to be found.
    package struct Endpoint: Sendable, Hashable {
        /// Host name or address. All addresses of a name are used.
        package var host: String
        /// TCP port.
        package var port: UInt16

        /// Names a place.
        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    /// Where the servers are, how to reach them, and how calls are made.
    package struct Configuration: Sendable {
        /// Names whose addresses all serve the same; at least one.
        package var endpoints: [Endpoint]
        /// The name that every certificate must carry; `nil` for the host of the endpoint that is dialled.
        package var serverName: String?
        /// Trusted certificates, the client's own, and protocol rules.
        package var tls: TLSContext
        /// Header fields of every call, such as `authorization`; as ``CallOptions/metadata``.
        package var metadata: [(name: String, value: String)]
        /// Goes in front of the library's own name in `user-agent`, such as `portal/2.1`; empty for nothing. Printable
        /// ASCII.
        package var userAgentPrefix = ""
        /// How connections take turns.
        package var balancing = Picker.Policy.roundRobin
        /// When a failed address is tried again, and how long connecting may take.
        package var backoff = ConnectionBackoff.Policy()
        /// When silent connections are asked whether they are alive; `nil` for never.
        package var keepalive: KeepalivePolicy?
        /// Connections are closed when no call was open for so long.
        package var idleTimeout: Duration = .seconds(30 * 60)
        /// How often names are looked up anew while there are calls.
        package var resolutionInterval: Duration = .seconds(60)
        /// The least time between two look-ups, whatever fails.
        package var leastResolutionInterval: Duration = .seconds(5)
        /// Time limits and retries by method.
        package var service = ServiceConfig()
        /// Whether request messages are compressed by gzip; answers are taken either way. Off, as a secret beside text that
        /// somebody else chose can be guessed by the length of both together (CRIME, BREACH).
        package var isCompressed = false
        /// What the client keeps at most.
        package var limits = ClientLimits()

        /// Makes a configuration for one name.
        ///
        /// - Parameter connectTimeout: the most time that one attempt to connect gets, TLS included; `nil` for 20 seconds.
        package init(
            host: String, port: UInt16, tls: TLSContext, metadata: [(name: String, value: String)] = [],
            connectTimeout: Duration? = nil
        ) {
            self.init(endpoints: [Endpoint(host: host, port: port)], tls: tls, metadata: metadata)
            if let connectTimeout { backoff.connectTime = connectTimeout }
        }

        /// Makes a configuration for several names.
        package init(endpoints: [Endpoint], tls: TLSContext, metadata: [(name: String, value: String)] = []) {
            precondition(!endpoints.isEmpty, "a client needs an endpoint")
            self.endpoints = endpoints
            self.tls = tls
            self.metadata = metadata
        }

        /// The library's own name, in the form of "gRPC over HTTP/2", "User Agents".
        package static let libraryName = "grpc-swift-carillon/\(LibraryVersion.text)"

        func encoding(_ options: CallOptions) -> MessageEncoding {
            options.isCompressed ?? isCompressed ? .gzip : .identity
        }

        var userAgent: String {
            userAgentPrefix.isEmpty ? Self.libraryName : "\(userAgentPrefix) \(Self.libraryName)"
        }
    }

    /// What a client takes from its surroundings, so that tests can give it something else.
    struct Surroundings: Sendable {
        /// Turns an endpoint into addresses; blocks, and runs on the pool.
        var resolve: @Sendable (Endpoint) throws -> [NetworkAddress] = {
            try NetworkAddress.resolve(host: $0.host, port: $0.port)
        }
        /// A number evenly spread from 0 to 1.
        var random: @Sendable () -> Double = { Double.random(in: 0..<1) }
        /// How long the first family of addresses has before the next one is tried as well (RFC 8305 §5).
        var familyDelay: Duration = .milliseconds(250)
    }
}
