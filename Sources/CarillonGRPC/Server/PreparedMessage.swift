internal import CarillonNet
package import SwiftProtobuf

/// An answer that is given again and again: serialized once, as gRPC callers take it without compression, and kept as a message for all
/// others.
///
/// Immutable, so that any number of calls may be answered with it at once, on its loop.
package struct PreparedMessage<Response: Message> {
    /// The answer.
    package let message: Response
    let frame: OutgoingOctets

    /// Serializes an answer.
    package init(_ message: Response) throws(Status) {
        self.message = message
        frame = try MessageFrame.of(message)
    }
}
