/// What one HTTP/2 connection may ask of us. Every number is a promise that nothing grows without bound.
package struct HTTP2Limits: Sendable {
    // MARK: Streams and octets

    /// Streams that a peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var concurrentStreams: UInt32 = 1000
    /// Octets of DATA that a peer may send on one stream before we took them (SETTINGS_INITIAL_WINDOW_SIZE).
    package var streamWindow: Int32 = 256 * 1024
    /// The same over all streams of the connection.
    package var connectionWindow: Int32 = 4 * 1024 * 1024
    /// Size of a request's header list, counted as RFC 9113 §6.5.2 does; what is beyond is not stored.
    package var headerListSize: Int = 16 * 1024
    /// Octets taken from one connection before the others have their turn.
    package var readBudget: Int = 256 * 1024
    /// How long what was taken from one connection may take before the others have their turn; it is looked at between one
    /// TLS record (16 KiB at most) and the next.
    package var readTime: Duration = .milliseconds(2)
    /// Octets of answers that wait on one stream before its writer has to wait.
    package var streamOutput: Int = 64 * 1024

    // MARK: Attacks

    /// Resets by the peer of streams that are open, of any kind: how many at once, and how many a second after that. See
    /// ``ConnectionBudget`` for this and the next ones.
    package var resetBurst = 10_000
    /// See ``resetBurst``.
    package var resetsPerSecond = 1000
    /// Resets of streams that lived less than ``briefStreamTime`` and of whose answer nothing was sent; a call that was
    /// answered earns one more.
    package var briefResetBurst = 2000
    /// See ``briefResetBurst``.
    package var briefResetsPerSecond = 200
    /// How long a stream must have lived for its reset not to count as a brief one.
    package var briefStreamTime: Duration = .seconds(1)
    /// Resets of such streams that came with the same read as the stream itself (CVE-2023-44487); a call that was answered
    /// earns one more.
    package var hastyResetBurst = 200
    /// See ``hastyResetBurst``.
    package var hastyResetsPerSecond = 20
    /// Resets of ours that the peer provoked by errors on streams (CVE-2025-8671).
    package var provokedResetBurst = 100
    /// See ``provokedResetBurst``.
    package var provokedResetsPerSecond = 1
    /// Frames that carry no call (PING, SETTINGS, PRIORITY, RST_STREAM, WINDOW_UPDATE, empty DATA, unknown types, and what
    /// comes late for streams that are gone); each frame of a call earns up to four more. See ``ConnectionBudget``.
    package var idleFrameBurst = 1000
    /// See ``idleFrameBurst``.
    package var idleFramesPerSecond = 100
    /// CONTINUATION frames after one HEADERS frame (CVE-2024-28182).
    package var continuations: Int = 4
    /// Acknowledgements that wait to be sent (PING and SETTINGS floods, CVE-2019-9512, CVE-2019-9515).
    package var outboundAcknowledgements: Int = 100
    /// Settings in one SETTINGS frame.
    package var settings: Int = 32
    /// Frames other than DATA that wait to be sent; more, and the peer does not read what it makes us say.
    package var outboundFrames: Int = 10_000
    /// How far apart a client's PINGs must be (gRFC A8); ten seconds are sensible for browsers and phones.
    package var pingInterval: Duration = .seconds(5 * 60)
    /// Whether a client may ping that often while no stream is open; else only every two hours.
    package var permitsPingsWithoutStreams = false

    // MARK: Times

    /// Time for the TLS handshake.
    package var handshakeTime: Duration = .seconds(5)
    /// Time from there to the peer's first SETTINGS.
    package var prefaceTime: Duration = .seconds(5)
    /// Time for the peer to acknowledge our SETTINGS.
    package var settingsTime: Duration = .seconds(10)
    /// Time from the first octets of a header block to its end.
    package var headerBlockTime: Duration = .seconds(10)
    /// How long a request body that has to come as a whole, or a message that has begun, may come as slowly as it likes.
    package var bodyGrace: Duration = .seconds(10)
    /// Octets a second that must have come on the average of the time after ``bodyGrace``.
    package var bodyRate: Int = 256
    /// How long an answer may wait for the peer, without a KiB of it being taken; `nil` for as long as it likes, which is for
    /// clients: whoever sends a request decides itself how long that may take.
    package var outputStall: Duration? = .seconds(60)
    /// How long a peer may be silent before it is asked whether it is alive; `nil` never asks.
    package var keepaliveTime: Duration? = .seconds(2 * 60 * 60)
    /// How long it may take to answer; also how long sent octets may stay unacknowledged by TCP (gRFC A18, on Linux).
    package var keepaliveTimeout: Duration = .seconds(20)
    /// How long a connection lives, give or take ten percent, before the client is asked to make a new one.
    package var maxAge: Duration?
    /// How long its calls may go on after that; `nil` lets them end by themselves.
    package var ageGrace: Duration?
    /// How long a connection without streams is kept; `nil` for ever.
    package var maxIdle: Duration?
    /// How long a draining connection waits for the PONG that shows that the peer knows, before the last stream is fixed.
    package var drainNoticeTime: Duration = .seconds(5)
    /// How long a connection that is over waits for the peer's end, so that no reset overtakes the last frames.
    package var lingerTime: Duration = .seconds(1)

    /// Makes the default limits of a server.
    package init() {}
}
