internal import CarillonNet

/// The life of a worker's one lease, as a state machine without timers: the worker tells what happens and when, and
/// carries out what it is told.
///
/// The database gives a lease for ``timeToLive`` from the moment it executes the renewal. The worker trusts it for less:
/// from the moment it *sent* the renewal, minus ``margin``, by its own monotonic clock. So it stops before anybody else
/// may begin, however slow the answer was and however the wall clocks stand. A worker that was stopped and goes on
/// (SIGSTOP, a paused machine) finds its time over at the first look at the clock.
///
/// A lease that is over is not mended: its worker drops all it holds and joins anew under a fresh id and fresh fences.
struct WorkerLease {
    /// What the worker has to do.
    enum Action: Equatable {
        case nothing
        /// Join under a fresh id.
        case join
        /// Renew.
        case renew
        /// Stop sending and forget every tenant: the lease is, or may be, somebody else's.
        case fence
    }

    /// Each state can become the next one, ``out`` or ``left``.
    enum State: Equatable {
        /// Holds nothing; joins at this time.
        case out(joinAt: MonotonicTime)
        /// Asked to join, not answered yet.
        case joining(sent: MonotonicTime)
        /// May send until then, and renews before.
        case held(until: MonotonicTime, renewAt: MonotonicTime)
        /// As held, with a renewal on its way.
        case renewing(until: MonotonicTime, sent: MonotonicTime)
        /// Fenced itself while a renewal was on its way, whose answer does not count any more.
        case abandoned
        /// Left for good.
        case left
    }

    /// How the lease is timed.
    struct Terms: Equatable, Sendable {
        /// For how long the database gives it.
        var timeToLive: Duration = .seconds(25)
        /// How much of that the worker leaves unused: for sends that take a moment to stop and clocks that run apart.
        var margin: Duration = .seconds(5)
        /// How long after sending one renewal the next is sent.
        var renewal: Duration = .seconds(5)
        /// How long after a failure the next try is made.
        var retry: Duration = .seconds(1)
    }

    let terms: Terms
    private(set) var state: State

    init(terms: Terms = Terms(), now: MonotonicTime) {
        self.terms = terms
        state = .out(joinAt: now)
    }

    /// Whether sends may begin.
    func isHeld(at now: MonotonicTime) -> Bool {
        switch state {
        case .held(let until, _), .renewing(let until, _): now < until
        case .out, .joining, .abandoned, .left: false
        }
    }

    /// When to look again; nil while only an answer can change anything.
    var nextLook: MonotonicTime? {
        switch state {
        case .out(let joinAt): joinAt
        case .held(let until, let renewAt): min(until, renewAt)
        case .renewing(let until, _): until
        case .joining, .abandoned, .left: nil
        }
    }

    /// Time has passed.
    mutating func look(at now: MonotonicTime) -> Action {
        switch state {
        case .out(let joinAt) where joinAt <= now:
            state = .joining(sent: now)
            return .join
        case .held(let until, _) where until <= now:
            state = .out(joinAt: now)
            return .fence
        case .held(let until, let renewAt) where renewAt <= now:
            state = .renewing(until: until, sent: now)
            return .renew
        case .renewing(let until, _) where until <= now:
            state = .abandoned
            return .fence
        case .out, .joining, .held, .renewing, .abandoned, .left:
            return .nothing
        }
    }

    /// The database has answered: whether the worker's row stands, with its time renewed.
    mutating func answered(isAlive: Bool, at now: MonotonicTime) -> Action {
        switch state {
        case .joining(let sent):
            state = isAlive ? held(since: sent, now) : .out(joinAt: now.advanced(by: terms.retry))
            return .nothing
        case .renewing(let until, let sent):
            guard isAlive, now < until else {
                state = .out(joinAt: now)
                return .fence
            }
            state = held(since: sent, now)
            return .nothing
        case .abandoned:
            state = .out(joinAt: now)
            return .nothing
        case .out, .held, .left:
            return .nothing
        }
    }

    /// The database could not be asked, or its answer got lost.
    mutating func failed(at now: MonotonicTime) -> Action {
        let later = now.advanced(by: terms.retry)
        switch state {
        case .joining:
            state = .out(joinAt: later)
        case .renewing(let until, _) where now < until:
            state = .held(until: until, renewAt: later)
        case .renewing:
            state = .out(joinAt: later)
            return .fence
        case .abandoned:
            state = .out(joinAt: later)
        case .out, .held, .left:
            break
        }
        return .nothing
    }

    /// Renews at the next look, if nothing is on its way already.
    mutating func hurry(at now: MonotonicTime) {
        if case .held(let until, _) = state { state = .held(until: until, renewAt: now) }
    }

    /// The worker goes. Whatever is still answered does not count.
    mutating func leave() {
        state = .left
    }

    private func held(since sent: MonotonicTime, _ now: MonotonicTime) -> State {
        let until = sent.advanced(by: terms.timeToLive - terms.margin)
        // An answer that took that long grants nothing any more.
        guard now < until else { return .out(joinAt: now.advanced(by: terms.retry)) }
        return .held(until: until, renewAt: max(sent.advanced(by: terms.renewal), now))
    }
}
