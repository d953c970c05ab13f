/// How the octets of a message were made smaller.
enum MessageEncoding: UInt8, Sendable {
    /// Not at all.
    case identity
    /// By gzip (RFC 1952), each message for itself.
    case gzip
}
