import Testing

@testable import CarillonNet

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A number of a descriptor may be somebody else's as soon as it was closed.
@Suite(.timeLimit(.minutes(5))) struct ClosedDescriptorTests {
    /// The owner may close a connection when it hears of its end, which goes on behind that word.
    @Test(arguments: Closer.Word.allCases)
    func whatItsOwnerClosedWhileItEndedIsNotTouched(at word: Closer.Word) async throws {
        let files = try TestFiles.shared.get()
        let probe = try await HTTP2Probe.start()
        // Speaks TLS, and no HTTP/2.
        let mute = try await TLSProbe.start(
            .init(certificateChain: files.path("server.pem"), privateKey: files.path("server.key")), .listen)
        let trust = try TLSContext(trustedCertificates: files.path("ca.pem"))
        let port = word == .isCutOff ? mute.port : probe.port
        let address = try #require(try NetworkAddress.resolve(host: "127.0.0.1", port: port).first)
        let loop = EventLoop(name: "client")
        var successor: Successor?
        // Another thread may take the number first; then nothing was shown.
        for _ in 0..<100 where successor == nil {
            successor = await loop.run { await Closer(word, on: loop).run(address, trust) }
        }
        let seen = try #require(successor).received()
        #expect(seen == nil, "octets or the end came to somebody else: \(seen ?? [])")
        await loop.shutDown()
        await probe.stop()
        await mute.stop()
    }
}

/// Whoever has the number of a closed descriptor next: one end of a pair.
///
/// Safe as `@unchecked Sendable` because it has nothing that changes.
final class Successor: @unchecked Sendable {
    private let end: CInt
    private let other: CInt

    /// Nil when somebody else has the number.
    init?(of descriptor: CInt) {
        let pair = SocketPair()
        switch descriptor {
        case pair.one: (end, other) = (pair.one, pair.other)
        case pair.other: (end, other) = (pair.other, pair.one)
        default:
            (end, other) = (fcntl(pair.one, F_DUPFD, descriptor), pair.other)
            Socket.close(pair.one)
        }
        if end != descriptor { return nil }
    }

    /// What was written to the pair's end; empty when it was shut down, `nil` when nobody touched it.
    func received() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(other, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        return count < 0 ? nil : Array(buffer.prefix(count))
    }

    deinit {
        Socket.close(other)
        Socket.close(end)
    }
}

/// A client of one stream, which closes its connection at a certain word of it.
///
/// Safe as `@unchecked Sendable` because everything happens on `loop`.
final class Closer: HTTP2ConnectionDelegate, HTTP2StreamHandler, @unchecked Sendable {
    /// What it hears of the end.
    enum Word: CaseIterable {
        case streamIsOver
        case drains
        case isCutOff
    }

    private let word: Word
    private let loop: EventLoop
    private var descriptor: CInt = -1
    private var attempt: ConnectionAttempt?
    private var connection: HTTP2Connection?
    private var successor: Successor?
    private var waiter: CheckedContinuation<Void, Never>?

    init(_ word: Word, on loop: EventLoop) { (self.word, self.loop) = (word, loop) }

    /// Connects, has the connection end, and returns who had its descriptor's number next, if it is known.
    func run(_ address: NetworkAddress, _ trust: TLSContext) async -> Successor? {
        // Until it is ready, or, with a server that says nothing, over.
        await withCheckedContinuation { continuation in
            waiter = continuation
            attempt = .begin(address, timeout: .seconds(300), on: loop) { self.begin(try? $0.get(), trust) }
        }
        switch word {
        case .streamIsOver:
            _ = connection?.open(Self.request, body: [], endsBody: true, handler: self)
            connection?.cutOff(.aborted)
        case .drains: connection?.beginDrain()
        case .isCutOff: break
        }
        return successor
    }

    private func begin(_ descriptor: CInt?, _ trust: TLSContext) {
        var limits = HTTP2Limits()
        limits.handshakeTime = .seconds(300)
        limits.prefaceTime = word == .isCutOff ? .milliseconds(1) : .seconds(300)
        self.descriptor = descriptor ?? -1
        connection = try? HTTP2Connection(
            loop: loop, descriptor: self.descriptor, context: trust, serverName: "localhost", limits: limits,
            delegate: self)
    }

    private func hear(_ heard: Word) {
        guard heard == word, successor == nil else { return }
        connection?.close(.aborted)
        successor = Successor(of: descriptor)
    }

    /// A request that is never answered.
    private static let request: HeaderBlock = {
        var block = HeaderBlock()
        for (name, value) in [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/never")] {
            block.append(name, value)
        }
        return block
    }()

    func connectionIsReady(_ connection: HTTP2Connection) { waiter.take()?.resume() }
    func connectionReceivedSettings(_ connection: HTTP2Connection) {}
    func connectionReceivedPingAnswer(_ connection: HTTP2Connection) {}
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { nil }
    func connectionIsDraining(_ connection: HTTP2Connection) { hear(.drains) }
    func connectionIsCutOff(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) { hear(.isCutOff) }
    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) { waiter.take()?.resume() }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {}
    func streamReceivedTrailers(_ stream: HTTP2Stream) {}
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {}
    func streamReceivedEnd(_ stream: HTTP2Stream) {}
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) { hear(.streamIsOver) }
}
