internal import CarillonGRPC
internal import CarillonNet
internal import Prometheus

/// The port that Prometheus reads from: TLS and HTTP/2 as everywhere here, with the server's certificate, and nothing but `/metrics`.
///
/// A port of its own, since what it shows is the operator's: it can be kept from the world by a firewall, and no load balancer passes on to it.
/// And a loop of its own, so that no call waits while a thousand lines are written.
final class MetricsListener: Sendable {
    private let server: RPCServer
    private let loop: EventLoop

    /// The port.
    var port: UInt16 { server.port }

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - registry: what is shown.
    ///   - log: hears of connections that fail.
    /// - Throws: ``ServeTrouble`` when the address is taken.
    static func start(
        _ settings: MetricsSettings, tls: TLSContext, _ registry: MetricRegistry,
        _ log: ConnectionLog
    ) async throws(ServeTrouble) -> MetricsListener {
        let loop = EventLoop(name: "metrics")
        do {
            let server = try await RPCServer.start(
                on: [loop], host: settings.listen.host, port: settings.listen.port, tls: tls, methods: [],
                pages: [page(registry, settings.key)], limits: limits, report: { log.report($0) })
            return MetricsListener(server, loop)
        } catch {
            await loop.shutDown()
            throw .unavailable("cannot show metrics on \(settings.listen): \(error)")
        }
    }

    private init(_ server: RPCServer, _ loop: EventLoop) {
        self.server = server
        self.loop = loop
    }

    /// A few that read now and then, and one who does not let go.
    private static let limits: ServerLimits = {
        var limits = ServerLimits()
        limits.connections = 64
        limits.handshakes = 64
        limits.calls = 32
        limits.callsPerConnection = 8
        limits.http2.concurrentStreams = 8
        limits.messageSize = 1024
        limits.looksAfterMemory = false
        return limits
    }()

    private static func page(_ registry: MetricRegistry, _ key: MetricsKey?) -> CarillonGRPC.Page {
        CarillonGRPC.Page("/metrics") { request async in
            if let key, !key.matches(request[header: "authorization"]) {
                return PageAnswer(
                    status: 401, text: "metrics are shown to who knows the key (metrics.key-file)\n",
                    fields: [("www-authenticate", "Bearer")])
            }
            return PageAnswer(contentType: MetricRegistry.contentType, body: await registry.text())
        }
    }

    /// Ends it.
    func stop() async {
        await server.drain(grace: .seconds(1))
        await loop.shutDown()
    }
}
