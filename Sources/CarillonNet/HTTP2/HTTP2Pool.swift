/// What the HTTP/2 sessions of one loop use again: closed streams, and libnghttp2's memory. It is bounded, holds no octet of
/// a body, and an idle connection holds nothing of it. Confined to its loop.
final class HTTP2Pool {
    let memory = HTTP2Memory()
    @exclusivity(unchecked) private var streams: [HTTP2Stream] = []
    /// Closed streams that are kept, each with about half a KiB for the next header block.
    private static let limit = 256

    /// The pool of a loop. Loop's thread only.
    static func of(_ loop: EventLoop) -> HTTP2Pool {
        loop.local { HTTP2Pool() }
    }

    func makeStream(in session: HTTP2Session) -> HTTP2Stream {
        guard let stream = streams.popLast() else { return HTTP2Stream(session: session) }
        stream.reopen(in: session)
        return stream
    }

    /// Takes over the one reference that a session holds to a stream, which is closed: keeps the stream for a new one, if
    /// nobody else holds it and its header block was not a large one.
    func recycle(_ held: Unmanaged<HTTP2Stream>) {
        var stream = held.takeRetainedValue()
        assert(stream.output.queued == 0, "a closed stream holds octets of a body")
        guard streams.count < Self.limit, isKnownUniquelyReferenced(&stream), stream.block.isSmall else { return }
        streams.append(stream)
    }
}
