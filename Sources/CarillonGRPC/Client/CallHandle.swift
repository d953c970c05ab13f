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
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (ClientCall) async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let call = self.call
        return try await call.loop.run { () async throws(Status) in try await body(call) }
    }
}
