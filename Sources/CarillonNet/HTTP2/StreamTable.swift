/// The open streams of a session. Each stream knows its place, so that adding and removing cost neither a search nor a
/// count of references: the one that libnghttp2 holds keeps an open stream alive.
struct StreamTable {
    private var streams: [Unmanaged<HTTP2Stream>] = []

    var count: Int { streams.count }

    /// Any of the streams.
    var last: HTTP2Stream? { streams.last?.takeUnretainedValue() }

    mutating func insert(_ stream: HTTP2Stream) {
        stream.place = streams.count
        streams.append(.passUnretained(stream))
    }

    mutating func remove(_ stream: HTTP2Stream) {
        let moved = streams.removeLast()
        guard stream.place < streams.count else { return }
        streams[stream.place] = moved
        moved._withUnsafeGuaranteedRef { $0.place = stream.place }
    }

    /// Calls a closure with each stream; it may close any of them, and those that it closed are left out.
    func visit(_ body: (HTTP2Stream) -> Void) {
        // Counted references: the table's own are good only while a stream is open.
        let open = streams.map { $0.takeUnretainedValue() }
        for stream in open where !stream.isClosed { body(stream) }
    }
}
