package import SwiftProtobuf

/// Sends the messages of a streaming request, from any task.
package struct RequestWriter<Request: Message>: Sendable {
    private let handle: CallHandle

    init(handle: CallHandle) {
        self.handle = handle
    }

    /// Sends a message, and waits while the server takes less than is sent.
    ///
    /// - Parameter isCompressed: false for a message that is not worth it in a call whose messages are compressed.
    /// - Throws: the status of the call if it has ended.
    package func send(_ message: Request, isCompressed: Bool = true) async throws(Status) {
        let frame = try MessageFrame.of(message, isCompressed ? handle.call.encoding : .identity)
        try await handle.run { call async throws(Status) in try await call.send(frame) }
    }

    /// Says that no more messages follow.
    package func finish() {
        let handle = self.handle
        handle.call.execute { call in
            call.finishSending()
            // The handle lives until here, or its end would cancel the call first.
            _ = handle
        }
    }
}
