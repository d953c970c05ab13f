/// When a connection has lived long enough (gRFC A9): a client then connects again, perhaps to a server that has more room.
/// Pure: time and chance come from the caller.
///
/// States: young → draining (no new streams) → over, when a grace is set.
struct ConnectionAge {
    /// What to do now.
    enum Step: Equatable {
        /// Nothing before this time.
        case wait(until: MonotonicTime)
        /// Take no more streams, and say why.
        case drain(DrainReason)
        /// The grace is over: end it with what is open.
        case end
    }

    private let oldAt: MonotonicTime
    private let grace: Duration?
    private let maxIdle: Duration?
    private var drainingSince: MonotonicTime?

    /// Makes the age of a connection that begins now.
    ///
    /// - Parameters:
    ///   - chance: from 0 to 1: where in the ten percent around the age this connection's end lies, so that connections that
    ///     began together do not end together.
    init(_ limits: HTTP2Limits, bornAt now: MonotonicTime, chance: Double) {
        oldAt = limits.maxAge.map { now.advanced(by: $0 * (0.9 + 0.2 * chance)) } ?? .distantFuture
        grace = limits.ageGrace
        maxIdle = limits.maxIdle
    }

    /// What to do at this time.
    ///
    /// - Parameter idleSince: since when no stream is open; `nil` while one is.
    mutating func look(at now: MonotonicTime, idleSince: MonotonicTime?) -> Step {
        if let since = drainingSince {
            guard let grace else { return .wait(until: .distantFuture) }
            let end = since.advanced(by: grace)
            return now >= end ? .end : .wait(until: end)
        }
        if now >= oldAt {
            drainingSince = now
            return .drain(.maxAge)
        }
        guard let maxIdle else { return .wait(until: oldAt) }
        let tired = (idleSince ?? now).advanced(by: maxIdle)
        if idleSince != nil, now >= tired {
            drainingSince = now
            return .drain(.maxIdle)
        }
        return .wait(until: min(oldAt, tired))
    }
}

/// Why a connection takes no more streams. The raw value is the GOAWAY's debug data.
package enum DrainReason: String, Sendable {
    /// The server stops, or the client is done.
    case shutdown = ""
    /// ``HTTP2Limits/maxAge`` has passed.
    case maxAge = "max_age"
    /// ``HTTP2Limits/maxIdle`` has passed without a stream.
    case maxIdle = "max_idle"
    /// Three quarters of the stream identifiers are used up, and they cannot be used again (RFC 9113 §5.1.1).
    case streamIDs = "stream_ids"
}

/// How far a connection's graceful end has come (RFC 9113 §6.8).
enum DrainPhase {
    /// It has not begun.
    case none
    /// The peer was told that there will be no more streams, and may not know yet.
    case announced
    /// The last stream is fixed.
    case final
}
