internal import CarillonNet

/// Reads the heads of a connection's requests and finds what they call. Clients say nearly the same each time, so only what
/// is different from the last request is read; see ``HTTP2Stream/changes``.
struct HeadReader {
    /// A request's head, and the method with its path if there is one.
    typealias Request = (head: RequestHead, method: RPCMethod?)

    private var last: Request?

    /// Reads the head of a request; called once for each, in their order.
    mutating func read(_ stream: HTTP2Stream, _ methods: MethodTable) -> Request {
        if let last, stream.changes.isNone { return last }
        if var request = last, reread(stream, methods, &request) {
            last = request
            return request
        }
        let method = stream.received.withFirst(":path") { $0.flatMap { methods.find($0) } }
        let request = (head: RequestHead(stream.received), method: method)
        last = request
        return request
    }

    /// Reads only the fields that have other values now; false when the whole has to be read.
    private func reread(_ stream: HTTP2Stream, _ methods: MethodTable, _ request: inout Request) -> Bool {
        guard stream.changes.hasSameNames else { return false }
        var isRead = true
        var place = 0
        stream.received.visit { name, value in
            defer { place += 1 }
            // Of several timeouts the last counts, so all are read if one is.
            guard isRead, stream.changes.contains(place) || name.matches("grpc-timeout") else { return }
            if name.matches(":path") {
                request.method = methods.find(value)
            } else {
                isRead = request.head.reread(name, value)
            }
        }
        return isRead
    }
}
