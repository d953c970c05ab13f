/// What happened on a server since it started: a sum over its loops, each part of which was true a moment ago.
package struct ServerCounts: Sendable, Equatable {
    /// Connections that were taken over.
    package internal(set) var connectionsOpened = 0
    /// Those of them that are over.
    package internal(set) var connectionsClosed = 0
    /// Connections that were not taken over, because too many were open or in their handshakes, or came too often.
    package internal(set) var connectionsRefused = 0
    /// Connections that ended otherwise than by one side being done with them.
    package internal(set) var connectionsFailed = 0
    /// Those of them that were ended because the peer asked too much (GOAWAY with ENHANCE_YOUR_CALM).
    package internal(set) var connectionsAbusive = 0
    /// Those of them whose handshake had to go for a newer one.
    package internal(set) var handshakesGivenUp = 0
    /// How often no connection was accepted for a moment, because too many handshakes waited for their turn.
    package internal(set) var acceptingRests = 0
    /// Calls that were admitted.
    package internal(set) var callsStarted = 0
    /// Calls that were answered with an error before they were admitted.
    package internal(set) var callsTurnedDown = 0
    /// Calls and pages that were reset unseen, because too many were running or too much of their answers waited to be read
    /// (REFUSED_STREAM).
    package internal(set) var callsRefused = 0
    /// gRPC calls without `te: trailers`, which some proxy may have taken away.
    package internal(set) var callsWithoutTrailers = 0
    /// Calls that are over, by their codes: those that reached a handler and those that did not.
    package internal(set) var callsEnded: [StatusCode: Int] = [:]
    /// Requests that were no calls.
    package internal(set) var plainAnswers = 0

    /// Connections that are open.
    package var connectionsOpen: Int { connectionsOpened - connectionsClosed }

    /// Calls that are under way, streams among them.
    package var callsOpen: Int { callsStarted + callsTurnedDown - callsEnded.values.reduce(0, +) }
}
