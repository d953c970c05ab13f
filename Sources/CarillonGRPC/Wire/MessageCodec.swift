/// How messages are written as octets.
package enum MessageCodec: UInt8, Sendable {
    /// Protocol Buffers, binary.
    case proto
    /// Protocol Buffers' JSON mapping.
    case json
}
