internal import Synchronization

/// Whether this process can answer calls now: the one place that `/readyz` and `grpc.health.v1` are answered from.
///
/// States: starting → ready ⇄ away (no database) → draining. Draining is the end.
final class Readiness: Sendable {
    /// How it stands.
    enum State: UInt8, AtomicRepresentable, Sendable {
        /// The database was not looked at yet.
        case starting
        /// Calls are answered.
        case ready
        /// There is no database to answer from.
        case away
        /// The process ends.
        case draining
    }

    private let current = Atomic<State>(.starting)

    /// How it stands. Any thread.
    var state: State { current.load(ordering: .relaxed) }

    /// Whether calls are answered. Any thread.
    var isReady: Bool { state == .ready }

    /// Takes note of how the database stands; nothing changes once draining has begun. Any thread.
    ///
    /// - Returns: whether that is new.
    func note(isDatabaseThere: Bool) -> Bool {
        let next: State = isDatabaseThere ? .ready : .away
        let before = state
        guard before != .draining, before != next else { return false }
        // Fails when draining began in between, which is the last word.
        return current.compareExchange(expected: before, desired: next, ordering: .relaxed).exchanged
    }

    /// Begins the end. Any thread.
    func beginDraining() {
        current.store(.draining, ordering: .relaxed)
    }

    /// One word for `/readyz`.
    var word: String {
        switch state {
        case .starting: "starting"
        case .ready: "ready"
        case .away: "no database"
        case .draining: "draining"
        }
    }
}
