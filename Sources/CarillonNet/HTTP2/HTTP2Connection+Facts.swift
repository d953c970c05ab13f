// What can be asked of a connection.
extension HTTP2Connection {
    /// The peer's address without its port, for logs.
    package var peer: String { session.peer }
    /// The number of streams that are open.
    package var streamCount: Int { session.streamCount }
    /// Octets of bodies that wait to be sent, over all streams.
    package var queuedOutput: Int { session.queuedOutput }
    /// Who the peer is by the certificate it showed; `nil` when it showed none.
    package var peerIdentity: PeerIdentity? { session.peerIdentity }
    /// Whether new streams are refused or pointless.
    package var isDraining: Bool { drain != .none || state != .open || peerGoAway != nil }
    /// Why the connection ends, as soon as that is known; `nil` while it goes on.
    package var closeReason: HTTP2CloseReason? { closing ?? ending }

    /// What there is to know at a look at what is due.
    var facts: ConnectionLife.Facts {
        ConnectionLife.Facts(
            now: loop.now, lastReceived: lastReceived, idleSince: session.conduct.idleSince,
            // What was not read cannot have come too late.
            headerBlockSince: isInputHeld ? nil : session.conduct.headerBlockSince,
            settingsSince: isInputHeld || session.conduct.hasAcknowledgedSettings ? nil : openedAt,
            blockedSince: blockedSince, hasStreams: session.streamCount > 0)
    }
}
