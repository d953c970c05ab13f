import CarillonNet

@testable import CarillonGRPC

/// A client and a server session that speak HTTP/2 to each other through memory. Confined to its loop.
final class SessionPair: HTTP2SessionOwner {
    private let client: HTTP2Session
    private let server: HTTP2Session
    private let handle: (HTTP2Stream) -> any HTTP2StreamHandler

    /// Makes the pair; the closure gives each stream that the client opens its handler at the server.
    init(on loop: EventLoop, _ handle: @escaping (HTTP2Stream) -> any HTTP2StreamHandler) {
        client = HTTP2Session(isServer: false, loop: loop, peer: "server", limits: .init())
        server = HTTP2Session(isServer: true, loop: loop, peer: "client", limits: .init())
        self.handle = handle
        client.owner = self
        server.owner = self
        client.submitSettings()
        server.submitSettings()
    }

    deinit {
        client.close()
        server.close()
    }

    /// Carries octets both ways until neither side has anything to say.
    func pump() {
        while carry(from: client, to: server) || carry(from: server, to: client) {}
    }

    private func carry(from sender: HTTP2Session, to receiver: HTTP2Session) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 1)
        defer { buffer.deallocate() }
        let count = sender.gather(into: buffer, upTo: 32 * 1024)
        guard count > 0 else { return false }
        precondition(receiver.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count])) == nil)
        return true
    }

    /// Sends a request with its body; `parts` are queued one by one.
    func send(_ fields: [(String, String)], parts: [[UInt8]] = [], ends: Bool = true) -> ResponseCollector {
        var block = HeaderBlock()
        block.append(":scheme", "https")
        block.append(":authority", "localhost")
        for (name, value) in fields { block.append(name, value) }
        let collector = ResponseCollector()
        collector.stream = client.open(block, body: [], endsBody: ends && parts.isEmpty, handler: collector)
        pump()
        for part in parts {
            collector.stream?.send(part)
            pump()
        }
        if ends, !parts.isEmpty { collector.stream?.end() }
        pump()
        return collector
    }

    func sessionHasOutput(_ session: HTTP2Session) {}
    func session(_ session: HTTP2Session, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { handle(stream) }
    func sessionReceivedSettings(_ session: HTTP2Session) {}
    func sessionReceivedPong(_ session: HTTP2Session) {}
    func session(_ session: HTTP2Session, received goAway: HTTP2GoAway) {}
    func sessionClosedStream(_ session: HTTP2Session) {}
}

/// What a client got on one stream.
final class ResponseCollector: HTTP2StreamHandler {
    fileprivate(set) var stream: HTTP2Stream?
    private(set) var fields: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    private(set) var isEnded = false
    private(set) var closed: HTTP2ErrorCode?

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }

    func reset() { stream?.reset(.cancel) }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        stream.received.visit { name, value in
            fields.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
    }
    func streamReceivedTrailers(_ stream: HTTP2Stream) {}
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        body += bytes
        stream.consume(bytes.count)
    }
    func streamReceivedEnd(_ stream: HTTP2Stream) { isEnded = true }
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        closed = code
        self.stream = nil
    }
}
