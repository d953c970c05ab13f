internal import CarillonNet
internal import Synchronization

/// What happened on one loop of a server since it started. Numbers only grow, but for the differences of two of them.
///
/// One writer, the loop; any thread reads. A writer that is alone needs no atomic addition: it loads and stores, which
/// costs no more than a plain variable.
final class ServerCounters: Sendable {
    private let opened = Count()
    private let turnedAway = Count()
    private let closed = Count()
    private let failed = Count()
    private let abusive = Count()
    private let givenUp = Count()
    private let rests = Count()
    private let started = Count()
    private let refused = Count()
    private let turnedDown = Count()
    private let withoutTrailers = Count()
    private let plain = Count()
    private let ended: InlineArray<17, Count>

    private struct Count: ~Copyable {
        private let value = Atomic<Int>(0)

        var now: Int { value.load(ordering: .relaxed) }

        /// The writer's thread only.
        func increase() {
            value.store(value.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        }
    }

    init() {
        ended = InlineArray { _ in Count() }
    }

    /// A connection was taken over.
    func connectionOpened() { opened.increase() }

    /// A connection is over.
    func connectionClosed(_ reason: HTTP2CloseReason) {
        closed.increase()
        switch reason {
        case .finished, .aborted, .aged: break
        case .abuse:
            failed.increase()
            abusive.increase()
        case .gaveWay:
            failed.increase()
            givenUp.increase()
        default: failed.increase()
        }
    }

    /// A connection was not taken over.
    func connectionRefused() { turnedAway.increase() }

    /// No connection is accepted for a moment.
    func acceptingRested() { rests.increase() }

    /// A call was admitted.
    func callStarted() { started.increase() }

    /// A gRPC call came without `te: trailers`.
    func trailersMissing() { withoutTrailers.increase() }

    /// A call or a page was reset with REFUSED_STREAM.
    func requestRefused() { refused.increase() }

    /// A call that was admitted ended, whether or not a handler saw it.
    func callEnded(_ code: StatusCode) { ended[Int(code.rawValue)].increase() }

    /// A call was answered with an error before it was admitted.
    func callTurnedDown(_ code: StatusCode) {
        turnedDown.increase()
        callEnded(code)
    }

    /// A request that is no call was answered.
    func answeredPlainly() { plain.increase() }

    /// How many connections are open and calls under way, and how many are over.
    var load: MemoryKeeper.Load {
        var over = closed.now
        for index in ended.indices { over += ended[index].now }
        return MemoryKeeper.Load(current: opened.now + started.now + turnedDown.now - over, over: over)
    }

    /// Adds what was counted here.
    func add(to counts: inout ServerCounts) {
        counts.connectionsOpened += opened.now
        counts.connectionsClosed += closed.now
        counts.connectionsRefused += turnedAway.now
        counts.connectionsFailed += failed.now
        counts.connectionsAbusive += abusive.now
        counts.handshakesGivenUp += givenUp.now
        counts.acceptingRests += rests.now
        counts.callsStarted += started.now
        counts.callsTurnedDown += turnedDown.now
        counts.callsRefused += refused.now
        counts.callsWithoutTrailers += withoutTrailers.now
        counts.plainAnswers += plain.now
        for code in StatusCode.allCases { counts.callsEnded[code, default: 0] += ended[Int(code.rawValue)].now }
    }
}
