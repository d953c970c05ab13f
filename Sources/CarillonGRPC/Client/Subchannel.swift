internal import CarillonNet

/// The connections of a client to one address: usually one, further ones while the server takes no more streams on those.
///
/// States, as gRPC's connectivity semantics name them: idle → connecting → ready → idle or connecting; a failed attempt
/// leads to `failed`, where it stays until an attempt goes well, with attempts at the times of ``ConnectionBackoff``.
/// Safe as `@unchecked Sendable` because it is confined to the channel's loop; every entry asserts.
final class Subchannel: @unchecked Sendable {
    /// What calls can expect of it.
    enum Condition {
        case idle
        case connecting
        case ready
        case failed(Status)
    }
    let address: NetworkAddress
    private let serverName: String
    private let authority: String
    private let loop: EventLoop
    private let configuration: RPCClient.Configuration
    private let random: @Sendable () -> Double
    private weak var channel: ClientChannel?
    private var backoff: ConnectionBackoff
    private var nextAttempt: MonotonicTime
    private var timer: LoopTimer?
    private var failure: Status?
    private var isRemoved = false
    /// All that are not closed.
    private(set) var transports: [ClientTransport] = []

    init(
        _ address: NetworkAddress, of endpoint: RPCClient.Endpoint, channel: ClientChannel,
        configuration: RPCClient.Configuration, random: @escaping @Sendable () -> Double, loop: EventLoop
    ) {
        self.address = address
        serverName = configuration.serverName ?? endpoint.host
        // An IPv6 address stands in brackets (RFC 3986 §3.2.2).
        authority = serverName.contains(":") ? "[\(serverName)]:\(endpoint.port)" : "\(serverName):\(endpoint.port)"
        self.channel = channel
        self.configuration = configuration
        self.random = random
        self.loop = loop
        backoff = ConnectionBackoff(configuration.backoff)
        nextAttempt = loop.now
    }

    var condition: Condition {
        if transports.contains(where: \.isReady) { return .ready }
        if let failure { return .failed(failure) }
        return timer != nil || transports.contains(where: \.isPending) ? .connecting : .idle
    }

    /// Connects, at once or when the backoff allows it, if that is not under way.
    func connect() {
        loop.assertOnLoop()
        guard !isRemoved, timer == nil, !transports.contains(where: { $0.isReady || $0.isPending }) else { return }
        if loop.now >= nextAttempt { return attempt() }
        timer = loop.schedule(at: nextAttempt) {
            self.timer = nil
            self.connect()
        }
    }

    /// Opens one more connection, because those that are there are full. Nothing happens at the limit, while one is
    /// under way, or before the time that the last failure asks for.
    ///
    /// - Returns: whether one is under way.
    func widen() -> Bool {
        loop.assertOnLoop()
        if transports.contains(where: \.isPending) { return true }
        guard !isRemoved, transports.count < configuration.limits.connectionsPerAddress,
            failure == nil || loop.now >= nextAttempt
        else { return false }
        attempt()
        return true
    }

    private func attempt() {
        guard let channel else { return }
        let times = backoff.begin(now: loop.now, random: random())
        nextAttempt = times.nextAttempt
        transports.append(
            ClientTransport(
                address, serverName: serverName, authority: authority, connectBy: times.connectBy, subchannel: self,
                configuration: configuration, keepalive: channel.keepalive, loop: loop))
    }

    /// The address is not wanted any more: calls finish, nothing new begins.
    func remove() {
        isRemoved = true
        timer?.cancel()
        timer = nil
        for transport in transports { transport.drain() }
        transports.removeAll { !$0.isReady && $0.streams == 0 }
    }

    /// Ends everything now.
    func abort() {
        isRemoved = true
        timer?.cancel()
        timer = nil
        for transport in transports { transport.abort() }
        transports = []
    }

    // MARK: Told by transports

    func transportIsReady(_ transport: ClientTransport) {
        backoff.reset()
        failure = nil
        timer?.cancel()
        timer = nil
        channel?.subchannelChanged(self, transport)
    }

    func transportGainedRoom(_ transport: ClientTransport) {
        channel?.gainedRoom()
    }

    func transportIsDraining(_ transport: ClientTransport) {
        if transport.hasServed { nextAttempt = loop.now }
        channel?.transportIsGone(transport)
        if !isRemoved { connect() }
        channel?.subchannelChanged(self, nil)
    }

    func transportPingedTooOften() {
        channel?.pingedTooOften()
    }

    func transportEnded(_ transport: ClientTransport, _ failure: Status?) {
        transports.removeAll { $0 === transport }
        channel?.transportIsGone(transport)
        guard !isRemoved else { return }
        // A connection that served earns its replacement at once; one that did not waits its turn, or a server that ends
        // every connection would be connected to without end.
        if transport.hasServed { nextAttempt = loop.now }
        if let failure { self.failure = failure }
        connect()
        channel?.subchannelChanged(self, nil)
    }
}
