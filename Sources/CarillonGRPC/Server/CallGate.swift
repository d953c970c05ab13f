internal import Synchronization

/// Bounds the calls that run at once for one party, such as a tenant, over all loops that share the gate. Handlers put a call
/// through it with ``CallContext/enter(_:)`` as soon as they know whom it is for; what a call may hold in memory is bounded
/// already, so the number of calls bounds the memory of the party too.
///
/// Any thread: the loops share nothing but the count, and a call that is let in changes it once when it comes and once when it
/// goes. There is no lock to wait for.
package final class CallGate: Sendable {
    /// Calls that may run at once.
    package let limit: Int
    /// What callers that are refused are told to wait before they try again.
    package let pushback: Duration
    private let refusal: Status
    /// The calls that are inside, and for a moment those that are being refused. Relaxed, since nothing else is read by it.
    private let count = Atomic<Int>(0)

    /// Makes a gate that nobody has entered.
    ///
    /// - Parameter refusal: what callers that are refused are told, where they are to be told more than the usual words. It
    ///   is made once: those who ask too much must not cost much.
    package init(limit: Int, pushback: Duration = .seconds(1), refusal: Status? = nil) {
        self.limit = limit
        self.pushback = pushback
        self.refusal = refusal ?? Status(.resourceExhausted, "too many calls at once; the limit is \(limit)")
    }

    /// Calls that are running.
    package var running: Int { min(count.load(ordering: .relaxed), limit) }

    /// Counts one more call. Never are more than ``limit`` inside: who finds as many before him does not enter. While one is
    /// being refused, another may be for whom a place became free in the same moment; he is told to come again anyway.
    ///
    /// - Throws: the refusal when it is one too many.
    func enter() throws(Status) {
        guard count.add(1, ordering: .relaxed).newValue > limit else { return }
        count.subtract(1, ordering: .relaxed)
        throw refusal
    }

    /// Counts one call less.
    func leave() {
        count.subtract(1, ordering: .relaxed)
    }
}
