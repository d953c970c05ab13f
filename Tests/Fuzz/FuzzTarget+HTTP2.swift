@testable import CarillonNet

extension FuzzTarget {
    /// A session fed with what a peer might send, as server or as client, in parts of any size, with an echo behind it.
    static let http2 = FuzzTarget(name: "http2", seeds: HTTP2Seeds.all) { octets in
        try FuzzLoop.run {
            var input = FuzzInput(octets)
            let options = input.octet()
            let exchange = FuzzedSession(isServer: options & 1 == 0, on: FuzzLoop.loop)
            // Most inputs are past the preface, which mutation would hardly hit.
            if options & 2 == 0, options & 1 == 0 { _ = try exchange.receive(HTTP2Seeds.preface[...]) }
            for part in input.parts(of: 1 + Int(options >> 2) * Int(options >> 2)) {
                guard try exchange.receive(part) else { break }
            }
            try exchange.finish()
        }
    }
}

/// A loop for what must run on one. It is kept: nothing of one input may be left on it for the next.
enum FuzzLoop {
    static let loop = EventLoop(name: "fuzz")

    /// Runs a closure on the loop and waits for it.
    static func run(_ body: @escaping () throws -> Void) throws {
        nonisolated(unsafe) let body = body
        nonisolated(unsafe) var result: Result<Void, any Error> = .success(())
        let done = Gate()
        loop.execute {
            result = Result { try body() }
            done.open()
        }
        done.wait()
        try result.get()
    }
}

/// A session whose peer is the input.
final class FuzzedSession: HTTP2SessionOwner {
    private let session: HTTP2Session
    private let isServer: Bool
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 1)
    private var received = 0
    private var sent = 0
    private var openHandlers = 0

    init(isServer: Bool, on loop: EventLoop) {
        self.isServer = isServer
        var limits = HTTP2Limits()
        limits.concurrentStreams = 8
        session = HTTP2Session(isServer: isServer, loop: loop, peer: "fuzzer", limits: limits)
        session.owner = self
        session.submitSettings()
        guard !isServer else { return }
        for path in ["/a", "/b"] {
            var block = HeaderBlock()
            for (name, value) in [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "a")] {
                block.append(name, value)
            }
            openHandlers += 1
            let endsBody = path == "/a"
            let handler = FuzzedStream(isEnded: endsBody) { self.openHandlers -= 1 }
            _ = session.open(block, body: [1, 2, 3], endsBody: endsBody, handler: handler)
        }
    }

    deinit { output.deallocate() }

    /// Gives the session octets and takes what it answers.
    ///
    /// - Returns: whether the session goes on.
    func receive(_ octets: ArraySlice<UInt8>) throws -> Bool {
        received += octets.count
        let failure = octets.withUnsafeBytes { session.receive($0) }
        // What is sent can be more than what came: acknowledgements, errors, the echo. It has a bound all the same.
        while true {
            let count = session.gather(into: output, upTo: 32 * 1024)
            guard count > 0 else { break }
            sent += count
            try require(sent < 4096 + 64 * received, "\(received) octets came and more than \(sent) went")
        }
        try require(session.streamCount <= 8 + 2, "\(session.streamCount) streams are open")
        return failure == nil && !session.isFinished
    }

    /// Ends the session; every handler must have been told of its end.
    func finish() throws {
        session.close()
        try require(openHandlers == 0, "\(openHandlers) streams were never closed")
    }

    func sessionHasOutput(_ session: HTTP2Session) {}
    func session(_ session: HTTP2Session, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? {
        openHandlers += 1
        return FuzzedStream { self.openHandlers -= 1 }
    }
    func sessionReceivedSettings(_ session: HTTP2Session) {}
    func sessionReceivedPong(_ session: HTTP2Session) {}
    func session(_ session: HTTP2Session, received goAway: HTTP2GoAway) {}
    func sessionClosedStream(_ session: HTTP2Session) {}
}

/// Echoes what comes, and answers some requests early.
private final class FuzzedStream: HTTP2StreamHandler {
    private let onClose: () -> Void
    /// Whether all was sent with the header block.
    private let isEnded: Bool

    init(isEnded: Bool = false, _ onClose: @escaping () -> Void) {
        self.isEnded = isEnded
        self.onClose = onClose
    }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        guard stream.received[":method"] != nil else { return }
        var block = HeaderBlock()
        block.append(":status", "200")
        stream.received.visit { name, value in
            if name.first != UInt8(ascii: ":") { block.append(name: name, value: value) }
        }
        if stream.received[":path"] == "/early" { return stream.sendHeadersOnly(block) }
        if stream.received[":path"] == "/reset" { return stream.reset(.cancel) }
        stream.sendHeaders(block)
    }
    func streamReceivedTrailers(_ stream: HTTP2Stream) {}
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        stream.consume(bytes.count)
        if !isEnded { stream.send(Array(bytes)) }
    }
    func streamReceivedEnd(_ stream: HTTP2Stream) {
        guard !isEnded else { return }
        var trailers = HeaderBlock()
        trailers.append("grpc-status", "0")
        stream.end(trailers: trailers)
    }
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) { onClose() }
}

/// What real peers say, recorded from sessions of our own.
enum HTTP2Seeds {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [])

    static let all: @Sendable () -> [[UInt8]] = {
        let get = headers(1, flags: 0x05, [0x82, 0x87, 0x84, 0x41, 0x01, 0x61])
        let post = headers(
            1, flags: 0x04, [0x83, 0x87, 0x84, 0x41, 0x01, 0x61, 0x40, 0x02, 0x74, 0x65, 0x08] + "trailers".utf8)
        let early = headers(3, flags: 0x04, [0x83, 0x87, 0x04, 0x06] + "/early".utf8 + [0x41, 0x01, 0x61])
        let reset = headers(5, flags: 0x04, [0x83, 0x87, 0x04, 0x06] + "/reset".utf8 + [0x41, 0x01, 0x61])
        let data = frame(0, 1, 1, [0, 0, 0, 0, 3, 1, 2, 3])
        let padded = frame(0, 0x08, 1, [4, 1, 2, 3, 0, 0, 0, 0])
        let more = headers(1, flags: 0x05, [0x40, 0x01, 0x78, 0x01, 0x79])
        let ok = headers(1, flags: 0x04, [0x88])
        var client = [get, reset]
        client.append(post + data)
        client.append(post + padded + data)
        client.append(post + frame(3, 0, 1, [0, 0, 0, 8]))
        client.append(early + frame(0, 1, 3, [1]))
        client.append(post + early + reset + data)
        client.append(frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
        client.append(frame(8, 0, 0, [0, 1, 0, 0]))
        client.append(post + frame(8, 0, 1, [0x7f, 0xff, 0xff, 0xff]))
        client.append(frame(4, 0, 0, [0, 4, 0, 0, 0, 0]) + post + data)
        client.append(frame(4, 0, 0, [0, 1, 0, 0, 0, 0, 0, 5, 0, 1, 0, 0]))
        client.append(frame(4, 1, 0, []))
        client.append(frame(2, 0, 1, [0, 0, 0, 3, 15]))
        client.append(frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 0]))
        client.append(frame(0xfa, 0xff, 9, [1, 2]))
        client.append(frame(1, 0x01, 1, [0x82, 0x87]) + frame(9, 0x04, 1, [0x84, 0x41, 0x01, 0x61]))
        client.append(post + more)
        client.append(headers(1, flags: 0x25, [0, 0, 0, 0, 7, 0x82, 0x87, 0x84, 0x41, 1, 0x61]))
        var server = [ok, headers(1, flags: 0x05, [0x88]), frame(3, 0, 3, [0, 0, 0, 7])]
        server.append(ok + data + more)
        server.append(headers(3, flags: 0x04, [0x48, 0x03] + "103".utf8) + headers(3, flags: 0x05, [0x88]))
        server.append(frame(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, 11] + "too_many_pings".utf8))
        server.append(frame(5, 4, 1, [0, 0, 0, 2, 0x82, 0x87, 0x84]))
        // Before each stands its octet of options: whole, in parts of 10 octets, of 257.
        var seeds = [[2] + preface + get]
        for octets in client { for options: UInt8 in [0xfc, 0x0c, 0x40] { seeds.append([options] + octets) } }
        for octets in server {
            seeds.append([0xfd] + frame(4, 0, 0, []) + octets)
            seeds.append([0x09] + octets)
        }
        return seeds
    }

    private static func headers(_ stream: UInt8, flags: UInt8, _ block: [UInt8]) -> [UInt8] {
        frame(1, flags, stream, block)
    }

    /// A frame (RFC 9113 §4.1).
    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
    }
}
