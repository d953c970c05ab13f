internal import CarillonNet

/// What readers and writers of a call hold: when the last of them is gone, nobody can learn how the call ends, and it is
/// cancelled.
final class CallHandle: Sendable {
    let call: ClientCall

    init(_ call: ClientCall) {
        self.call = call
    }

    deinit {
        call.execute { $0.cancel() }
    }

    /// Runs something on the call's loop.
    ///
    /// - Throws: what the body throws; UNAVAILABLE when the client and its loop have ended.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (ClientCall) async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let call = self.call
        return try await call.loop.runCall { () async throws(Status) in try await body(call) }
    }
}
