@testable import CarillonNet

/// A listening socket whose connections are TLS sessions and nothing more: what TLS says, without HTTP/2 above it.
final class TLSProbe: Sendable {
    enum Manner: Sendable {
        /// Say hello, then goodbye, and close.
        case greet
        /// Read until the client is done.
        case listen
    }

    let loop: EventLoop
    let events: Events
    let context: TLSContext
    private let listener: Listener
    var port: UInt16 { listener.port }

    static func start(_ settings: TLSServerSettings, _ manner: Manner = .greet) async throws -> TLSProbe {
        try await start(try TLSContext(server: settings), manner)
    }

    static func start(_ context: TLSContext, _ manner: Manner = .greet) async throws -> TLSProbe {
        let loop = EventLoop(name: "probe")
        let events = Events()
        let listener = try await loop.run {
            try await Listener.open(on: loop, host: "127.0.0.1", port: 0) { descriptor in
                loop.execute { Guest.begin(descriptor, context, loop, events, manner) }
            }
        }
        return TLSProbe(loop: loop, context: context, listener: listener, events: events)
    }

    private init(loop: EventLoop, context: TLSContext, listener: Listener, events: Events) {
        (self.loop, self.context, self.listener, self.events) = (loop, context, listener, events)
    }

    func stop() async {
        let listener = self.listener
        await loop.run { listener.close() }
        await loop.shutDown()
    }
}

/// One connection to a probe. Confined to the loop; kept by its watch until it is over.
private final class Guest {
    private let descriptor: CInt
    private let session: TLSSession
    private let loop: EventLoop
    private let events: Events
    private let manner: TLSProbe.Manner
    private var watch: DescriptorWatch?
    private var isEstablished = false

    static func begin(
        _ descriptor: CInt, _ context: TLSContext, _ loop: EventLoop, _ events: Events, _ manner: TLSProbe.Manner
    ) {
        guard let session = try? TLSSession(context: context, descriptor: descriptor) else { return }
        let guest = Guest(descriptor, session, loop, events, manner)
        guest.watch = loop.watch(descriptor: descriptor) { _ in guest.ready() }
        guest.watch?.interest = [.readable]
    }

    private init(
        _ descriptor: CInt, _ session: TLSSession, _ loop: EventLoop, _ events: Events, _ manner: TLSProbe.Manner
    ) {
        (self.descriptor, self.session, self.loop, self.events) = (descriptor, session, loop, events)
        self.manner = manner
    }

    private func ready() {
        if isEstablished { return listen() }
        switch session.handshake() {
        case .moved:
            isEstablished = true
            let identity = Result { try session.clientIdentity() }
            events.record("established resumed=\(session.isResumed) identity=\(identity.text)")
            guard manner == .greet else { return listen() }
            _ = Array("hello\n".utf8).withUnsafeBytes { session.write($0) }
            session.sendCloseNotify()
            end("greeted")
        case .wantsRead: break
        case .wantsWrite: watch?.interest = [.readable, .writable]
        case .closed: end("closed in the handshake")
        case .failed(let error): end("failed in the handshake: \(error)")
        }
    }

    private func listen() {
        while true {
            switch session.read(into: loop.readBuffer) {
            case .moved(let count): events.record("received \(count)")
            case .wantsRead, .wantsWrite: return
            case .closed: return end("closed")
            case .failed(let error): return end("failed: \(error)")
            }
        }
    }

    private func end(_ how: String) {
        watch?.close()
        watch = nil
        // As a connection does, so that the client reads the alert before it meets a reset.
        Socket.finishSending(descriptor)
        Socket.close(descriptor)
        events.record(how)
    }
}

extension Result where Success == PeerIdentity? {
    fileprivate var text: String {
        switch self {
        case .success(let identity): identity?.id ?? "none"
        case .failure(let error): "\(error)"
        }
    }
}
