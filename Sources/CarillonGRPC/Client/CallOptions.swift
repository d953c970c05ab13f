/// What a caller may say about one call. What it does not say is taken from the client's ``ServiceConfig``.
package struct CallOptions: Sendable {
    /// How long the caller waits, over all attempts; `nil` for as long as it takes.
    package var timeout: Duration?
    /// Request header fields: names of `0-9 a-z _ - .` that are not those of HTTP and of gRPC, and values of printable ASCII.
    /// A call with others fails.
    package var metadata: [(name: String, value: String)]
    /// Whether the call waits for a connection instead of failing at once when none is to be had.
    package var waitsForReady: Bool?
    /// The greatest length of one response message in octets.
    package var messageSize: Int?
    /// Whether request messages are compressed by gzip.
    package var isCompressed: Bool?

    /// Makes options.
    package init(
        timeout: Duration? = nil, metadata: [(name: String, value: String)] = [], waitsForReady: Bool? = nil,
        messageSize: Int? = nil, isCompressed: Bool? = nil
    ) {
        self.timeout = timeout
        self.metadata = metadata
        self.waitsForReady = waitsForReady
        self.messageSize = messageSize
        self.isCompressed = isCompressed
    }
}
