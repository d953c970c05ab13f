/// What a caller may say about one call.
package struct CallOptions: Sendable {
    /// How long the caller waits; `nil` for as long as it takes.
    package var timeout: Duration?
    /// Request header fields; names are lower-case ASCII.
    package var metadata: [(name: String, value: String)]

    /// Makes options.
    package init(timeout: Duration? = nil, metadata: [(name: String, value: String)] = []) {
        self.timeout = timeout
        self.metadata = metadata
    }
}
