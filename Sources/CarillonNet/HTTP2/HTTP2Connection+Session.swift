// What the session tells its connection.
extension HTTP2Connection: HTTP2SessionOwner {
    /// Asks for a flush at the end of the tick, unless there is one as soon as libnghttp2 has done its work.
    package func sessionHasOutput(_ session: HTTP2Session) {
        if !isInSession { touch() }
    }

    /// Passes a new stream on to the owner of the connection.
    package func session(_ session: HTTP2Session, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? {
        delegate?.connection(self, opened: stream)
    }

    /// The first SETTINGS of the peer end the handshake; later ones are passed on.
    package func sessionReceivedSettings(_ session: HTTP2Session) {
        guard !readyForStreams else {
            delegate?.connectionReceivedSettings(self)
            return
        }
        readyForStreams = true
        // A drain may have begun before, and the time is its own.
        if drain == .none {
            deadline?.cancel()
            deadline = nil
        }
        delegate?.connectionIsReady(self)
    }

    /// Goes on with a drain that waited for it, and passes it on.
    package func sessionReceivedPong(_ session: HTTP2Session) {
        // Another PING's answer says nothing of whether the peer knows.
        if drain == .announced, session.isAnnouncementAnswered { sendFinalGoAway() }
        delegate?.connectionReceivedPingAnswer(self)
    }

    /// Keeps what the peer said; the first time, the owner is told that it drains.
    package func session(_ session: HTTP2Session, received goAway: HTTP2GoAway) {
        let isFirst = peerGoAway == nil
        peerGoAway = goAway
        if drain == .none, isFirst { delegate?.connectionIsDraining(self) }
    }

    /// Looks, while draining, whether it was the last.
    package func sessionClosedStream(_ session: HTTP2Session) {
        if drain != .none { touch() }
        if session.streamCount == 0, let maxIdle = limits.maxIdle { lookBy(loop.now.advanced(by: maxIdle)) }
    }
}
