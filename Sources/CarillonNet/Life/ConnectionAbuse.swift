/// Why a peer's connection is ended with ENHANCE_YOUR_CALM (RFC 9113 §7). The raw value is the GOAWAY's debug data.
package enum ConnectionAbuse: String, Sendable {
    /// More PINGs than the policy permits (gRFC A8); clients of gRPC know this very word and slow down.
    case pings = "too_many_pings"
    /// Frames that carry no call: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA and unknown types.
    case idleFrames = "too_many_idle_frames"
    /// Streams that were opened and reset in the same breath (CVE-2023-44487).
    case hastyResets = "too_many_resets"
    /// Resets that the peer made this side send (CVE-2025-8671).
    case provokedResets = "too_many_errors"
    /// A header list many times larger than this side said it would take (an HPACK bomb).
    case headerBomb = "header_list_too_large"
    /// Frames that this side has to send and cannot, because the peer does not read.
    case output = "output_not_read"
    /// What libnghttp2 calls a flood: acknowledgements, CONTINUATION frames, settings or resets beyond its limits.
    case flood = "flood"
}
