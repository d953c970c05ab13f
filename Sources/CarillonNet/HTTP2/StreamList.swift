/// The open streams of a connection, linked through the streams themselves: adding and removing costs no allocation.
/// The references are unowned: libnghttp2's retain keeps an open stream alive.
struct StreamList {
    private(set) var count = 0
    private unowned(unsafe) var head: HTTP2Stream?

    var first: HTTP2Stream? { head }

    mutating func insert(_ stream: HTTP2Stream) {
        stream.next = head
        head?.previous = stream
        head = stream
        count += 1
    }

    mutating func remove(_ stream: HTTP2Stream) {
        if let previous = stream.previous { previous.next = stream.next } else { head = stream.next }
        stream.next?.previous = stream.previous
        stream.previous = nil
        stream.next = nil
        count -= 1
    }
}
