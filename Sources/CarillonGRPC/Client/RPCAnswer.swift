package import SwiftProtobuf

/// Everything that came of a call with one message each way.
package struct RPCAnswer<Response: Message>: Sendable {
    /// The message, or how the call failed.
    package let result: Result<Response, Status>
    /// The leading metadata.
    package let headers: Metadata
    /// The trailing metadata.
    package let trailers: Metadata
}
