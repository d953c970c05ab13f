extension HTTP2Connection {
    /// Where a connection stands; it only goes on, and may leave out what is between.
    enum State {
        case handshaking
        case open
        case lingering
        case closed
    }

    /// Makes room for a newer handshake, unless its own is over by now. Loop's thread only.
    func giveWay() {
        if state == .handshaking { close(.gaveWay) }
    }
}
