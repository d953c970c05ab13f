/// Why a stream or a connection ended (RFC 9113 §7).
package struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// No error: a graceful end.
    package static let noError = HTTP2ErrorCode(rawValue: 0x0)
    /// The peer broke the protocol.
    package static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    /// This side failed.
    package static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    /// Flow control was violated.
    package static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    /// SETTINGS were not acknowledged in time.
    package static let settingsTimeout = HTTP2ErrorCode(rawValue: 0x4)
    /// A frame came for a closed stream.
    package static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    /// A frame had a wrong size.
    package static let frameSizeError = HTTP2ErrorCode(rawValue: 0x6)
    /// The stream was not processed at all; a retry is safe.
    package static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    /// The stream is no longer needed.
    package static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    /// The header compression state is broken.
    package static let compressionError = HTTP2ErrorCode(rawValue: 0x9)
    /// A tunnel broke.
    package static let connectError = HTTP2ErrorCode(rawValue: 0xa)
    /// The peer behaves in a way that may cause excessive load.
    package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xb)
    /// TLS is weaker than HTTP/2 asks for.
    package static let inadequateSecurity = HTTP2ErrorCode(rawValue: 0xc)
    /// HTTP/1.1 has to be used instead.
    package static let http11Required = HTTP2ErrorCode(rawValue: 0xd)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
        "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]

    /// The name in the RFC, or the number.
    package var description: String {
        rawValue < Self.names.count ? Self.names[Int(rawValue)] : "error code \(rawValue)"
    }
}
