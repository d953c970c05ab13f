internal import CLibPQ
internal import Synchronization

/// A request to cancel what a session runs, which libpq 15 can only send by blocking: on a connection of its own, which the
/// server closes when it has told the session. That connection is not encrypted (manual, 34.7); what it carries is good for
/// nothing but to cancel this session's commands.
///
/// At most ``limit`` of them exist at a time in the process, so that a server that cannot be reached does not take all
/// threads of libuv's pool, on which names are resolved too.
///
/// Safe as `@unchecked Sendable` because "PQcancel … can be invoked from … a thread that is separate from the one
/// manipulating the PGconn object" (manual, 34.7), and nobody else touches the handle.
final class CancelRequest: @unchecked Sendable {
    /// How many there may be at a time.
    static let limit = 2
    private static let count = Atomic<Int>(0)

    private let handle: OpaquePointer

    /// Makes a request for a session; `nil` when there are enough of them, or libpq is not connected.
    init?(_ connection: OpaquePointer) {
        guard Self.count.add(1, ordering: .relaxed).newValue <= Self.limit, let handle = PQgetCancel(connection) else {
            Self.count.subtract(1, ordering: .relaxed)
            return nil
        }
        self.handle = handle
    }

    deinit {
        PQfreeCancel(handle)
        Self.count.subtract(1, ordering: .relaxed)
    }

    /// Sends it and waits until the server has carried it out. Blocks, for as long as the connection string's
    /// `tcp_user_timeout` and keep-alives allow. Whether it went well shows in what the session answers.
    func send() {
        var words = [CChar](repeating: 0, count: 256)
        _ = PQcancel(handle, &words, CInt(words.count))
    }
}
