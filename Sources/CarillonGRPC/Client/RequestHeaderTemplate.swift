internal import CarillonNet

/// The header fields that all calls of a client share, put together once.
struct RequestHeaderTemplate {
    private let regular: HeaderBlock
    private let configuration: RPCClient.Configuration

    init(_ configuration: RPCClient.Configuration) {
        self.configuration = configuration
        var block = HeaderBlock()
        block.append("te", "trailers")
        block.append("content-type", "application/grpc")
        block.append("user-agent", configuration.userAgent)
        block.append("grpc-accept-encoding", "identity,gzip")
        regular = block
    }

    /// The header block of one attempt. Pseudo-fields come first (RFC 9113 §8.3).
    ///
    /// - Parameters:
    ///   - authority: the server's name and port.
    ///   - timeout: what is left of the caller's time.
    ///   - previousAttempts: how often the call was tried before.
    ///   - encoding: how messages may be compressed.
    ///   - metadata: the caller's own fields; they take the place of the client's of the same name.
    func block(
        _ path: StaticString, authority: String, timeout: Duration?, previousAttempts: Int,
        encoding: MessageEncoding, metadata: [(name: String, value: String)]
    ) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":method", "POST")
        block.append(":scheme", "https")
        path.withUTF8Buffer { path in
            let name: StaticString = ":path"
            block.append(name: name.octets, value: UnsafeRawBufferPointer(path))
        }
        block.append(":authority", authority)
        regular.visit { block.append(name: $0, value: $1) }
        if encoding == .gzip { block.append("grpc-encoding", "gzip") }
        if let timeout { block.append("grpc-timeout", GRPCTimeout.format(timeout)) }
        if previousAttempts > 0 { block.append("grpc-previous-rpc-attempts", String(previousAttempts)) }
        // What a call says itself takes the place of what all calls say.
        for field in configuration.metadata where !metadata.contains(where: { $0.name == field.name }) {
            block.append(field.name, field.value)
        }
        for field in metadata { block.append(field.name, field.value) }
        return block
    }
}
