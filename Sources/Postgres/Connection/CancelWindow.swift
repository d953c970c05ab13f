/// Which exchanges a request to cancel may hit: those that are on their way from when it is sent until the server has
/// carried it out, and no later ones. Pure.
///
/// The server cancels whatever its session runs when the request arrives. That may be the unit behind the one that was
/// meant, or none: a session that waits for a command forgets the request.
struct CancelWindow {
    private enum State {
        case closed
        /// A request is on its way.
        case sending
        /// The server has carried a request out; it may have hit one of so many exchanges.
        case sent(exchanges: Int)
    }
    private var state = State.closed

    /// Whether a request is on its way.
    var isSending: Bool { if case .sending = state { true } else { false } }

    /// Whether the oldest exchange may be hit.
    var isOpen: Bool { if case .closed = state { false } else { true } }

    /// A request is about to be sent.
    mutating func begin() {
        state = .sending
    }

    /// The server has carried the request out.
    ///
    /// - Parameter inFlight: how many exchanges are on their way.
    mutating func carriedOut(inFlight: Int) {
        state = inFlight > 0 ? .sent(exchanges: inFlight) : .closed
    }

    /// The oldest exchange was answered.
    mutating func exchangeEnded() {
        guard case .sent(let exchanges) = state else { return }
        state = exchanges > 1 ? .sent(exchanges: exchanges - 1) : .closed
    }
}
