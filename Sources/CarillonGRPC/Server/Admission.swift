/// The place of one request, a call or a page, among those that count against the limits: from
/// ``ConnectionState/admit()`` until it is answered *and* its handler has returned. While its handler works for a stream
/// that is gone it counts against a narrower limit too: who resets streams does not get more work done than others.
///
/// Confined to its connection's loop. It does not know the connection, so that it needs no memory of its own.
struct Admission {
    /// Whether it still counts.
    private(set) var isCounted = true
    private var isAbandoned = false
    /// Whether a handler works in a task.
    var isHandlerRunning = false

    /// The stream is gone.
    mutating func streamClosed(_ connection: ConnectionState) {
        guard isHandlerRunning, isCounted, !isAbandoned else { return }
        isAbandoned = true
        connection.abandon()
    }

    /// Nothing more is to be said: it counts no longer, unless its handler is at work still.
    ///
    /// - Returns: whether that was its end, which comes once; then what it holds is to be let go.
    mutating func leaveIfIdle(_ connection: ConnectionState) -> Bool {
        guard isCounted, !isHandlerRunning else { return false }
        isCounted = false
        connection.leave(wasAbandoned: isAbandoned)
        return true
    }
}
