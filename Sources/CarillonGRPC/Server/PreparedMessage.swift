internal import CarillonNet
package import SwiftProtobuf

/// An answer that is given again and again: serialized once, as gRPC callers take it without compression, and kept as a message for all
/// others.
///
/// Immutable, so that any number of calls may be answered with it at once, on its loop. A class only so that handing it on costs one
/// reference.
package final class PreparedMessage<Response: Message> {
    /// The answer.
    package let message: Response
    /// The answer as it is sent.
    package let frame: PreparedFrame

    /// Serializes an answer.
    package init(_ message: Response) throws(Status) {
        self.message = message
        frame = PreparedFrame(octets: try MessageFrame.of(message))
    }
}

/// The one message of an answer, framed as gRPC callers take it without compression.
package struct PreparedFrame {
    let octets: OutgoingOctets
}
