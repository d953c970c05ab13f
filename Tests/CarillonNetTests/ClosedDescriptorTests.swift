import Testing

@testable import CarillonNet

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A number of a descriptor may be somebody else's as soon as it was closed.
@Suite(.timeLimit(.minutes(5))) struct ClosedDescriptorTests {
    /// The owner may close a connection when it hears that its stream is over, which it hears while the connection ends.
    @Test func whatWasClosedByItsOwnerWhileItEndedIsNotTouched() async throws {
        let probe = try await HTTP2Probe.start()
        let trust = try TLSContext(trustedCertificates: try TestFiles.shared.get().path("ca.pem"))
        let address = try #require(try NetworkAddress.resolve(host: "127.0.0.1", port: probe.port).first)
        let loop = EventLoop(name: "client")
        var closer: Closer?
        // Another thread may take the number first; then nothing was shown.
        for _ in 0..<100 where closer?.successor == nil {
            closer = await loop.run { () -> Closer? in
                let closer = Closer(loop)
                await closer.connect(address, trust)
                closer.connection?.cutOff(.aborted)
                return closer
            }
        }
        let seen = try #require(closer?.successor).received()
        #expect(seen == nil, "octets or the end came to somebody else: \(seen ?? [])")
        await loop.shutDown()
        await probe.stop()
    }
}

/// Whoever has the number of a closed descriptor next: one end of a pair.
private final class Successor {
    private let other: CInt
    private let end: CInt

    /// Nil when somebody else has the number.
    init?(of descriptor: CInt) {
        var ends: [CInt] = [0, 0]
        #if canImport(Glibc)
            let kind = CInt(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        precondition(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        other = ends[1]
        if ends[0] == descriptor {
            end = ends[0]
        } else {
            end = fcntl(ends[0], F_DUPFD, descriptor)
            Socket.close(ends[0])
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

/// A client of one stream, which closes its connection with it.
///
/// Safe as `@unchecked Sendable` because everything happens on `loop`.
private final class Closer: HTTP2ConnectionDelegate, HTTP2StreamHandler, @unchecked Sendable {
    private let loop: EventLoop
    private(set) var connection: HTTP2Connection?
    private(set) var successor: Successor?
    private var descriptor: CInt = -1
    private var attempt: ConnectionAttempt?
    private var ready: CheckedContinuation<Void, Never>?

    init(_ loop: EventLoop) { self.loop = loop }

    /// Connects, and opens a stream that is never answered.
    func connect(_ address: NetworkAddress, _ trust: TLSContext) async {
        await withCheckedContinuation { continuation in
            ready = continuation
            attempt = .begin(address, timeout: .seconds(300), on: loop) { result in
                self.descriptor = (try? result.get()) ?? -1
                self.connection = try? HTTP2Connection(
                    loop: self.loop, descriptor: self.descriptor, context: trust, serverName: "localhost",
                    delegate: self)
            }
        }
        var head = HeaderBlock()
        for (name, value) in [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/never")] {
            head.append(name, value)
        }
        _ = connection?.open(head, body: [], endsBody: true, handler: self)
    }

    func connectionIsReady(_ connection: HTTP2Connection) { ready.take()?.resume() }
    func connectionReceivedSettings(_ connection: HTTP2Connection) {}
    func connectionReceivedPingAnswer(_ connection: HTTP2Connection) {}
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { nil }
    func connectionIsDraining(_ connection: HTTP2Connection) {}
    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        ready.take()?.resume()
    }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {}
    func streamReceivedTrailers(_ stream: HTTP2Stream) {}
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {}
    func streamReceivedEnd(_ stream: HTTP2Stream) {}
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        connection?.close(.aborted)
        successor = Successor(of: descriptor)
    }
}
