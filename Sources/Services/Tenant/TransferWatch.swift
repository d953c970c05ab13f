internal import CarillonGRPC
internal import CarillonNet

/// Ends an export or import whose caller keeps it waiting: it has a place of few, and a transaction that others may wait behind.
///
/// Only the waits for the caller count, not the database's. Confined to the call's loop.
struct TransferWatch {
    private let context: CallContext
    private let limit: Duration

    /// Watches a call.
    ///
    /// - Parameter limit: how long its caller may take for one piece.
    init(_ context: CallContext, limit: Duration) {
        self.context = context
        self.limit = limit
    }

    /// Waits for the caller; the call is ended with DEADLINE_EXCEEDED when that takes too long.
    func wait<Value>(_ body: () async throws(Status) -> Value) async throws(Status) -> Value {
        let (context, limit) = (context, limit)
        let timer = context.loop.schedule(after: limit) { context.fail(.transferIdle(limit)) }
        defer { timer.cancel() }
        return try await body()
    }
}

extension Status {
    /// The end of a transfer that its caller left lying.
    fileprivate static func transferIdle(_ limit: Duration) -> Status {
        Status(
            .deadlineExceeded, .transferIdle,
            "the next piece of the archive did not move within \(limit.components.seconds) seconds; begin again",
            metadata: ["limit_seconds": String(limit.components.seconds)])
    }
}
