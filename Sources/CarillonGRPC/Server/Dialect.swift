/// The protocol that a call is spoken in. Handlers do not know which.
package enum Dialect: UInt8, Sendable {
    /// gRPC over HTTP/2: prefixed messages, status in the trailers.
    case grpc
    /// gRPC-Web, binary: prefixed messages, status in a last frame of the body.
    case grpcWeb
    /// Connect, a call with one message each way: bare bodies, errors as HTTP status and JSON.
    case connectUnary
    /// Connect, any other call: prefixed messages, status in a last envelope.
    case connectStream
}
