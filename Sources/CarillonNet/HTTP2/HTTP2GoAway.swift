/// What a peer's GOAWAY says (RFC 9113 §6.8).
package struct HTTP2GoAway: Sendable {
    /// Why the peer ends the connection.
    package let code: HTTP2ErrorCode
    /// The last stream that the peer may have processed.
    package let lastStreamID: Int32
    /// The start of the debug data, such as `too_many_pings`: at most 128 octets, repaired to be text.
    package let debugText: String
}
