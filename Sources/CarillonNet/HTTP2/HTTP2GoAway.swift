internal import CarillonCNghttp2

/// What a GOAWAY says (RFC 9113 §6.8).
package struct HTTP2GoAway: Sendable {
    /// Why the sender ends the connection.
    package let code: HTTP2ErrorCode
    /// The last stream that the sender may have processed.
    package let lastStreamID: Int32
    /// The start of the debug data, such as `too_many_pings`: at most 128 octets, repaired to be text.
    package let debugText: String
}

extension HTTP2GoAway {
    init(_ frame: nghttp2_goaway) {
        let debug = UnsafeBufferPointer(start: frame.opaque_data, count: min(frame.opaque_data_len, 128))
        self.init(
            code: HTTP2ErrorCode(rawValue: frame.error_code), lastStreamID: frame.last_stream_id,
            debugText: String(decoding: debug, as: UTF8.self))
    }
}
