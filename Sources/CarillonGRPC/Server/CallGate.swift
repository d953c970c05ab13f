internal import CarillonNet

/// Bounds the calls that run at once for one party, such as a tenant on one loop. Handlers put a call through it with
/// ``CallContext/enter(_:)`` as soon as they know whom it is for; what a call may hold in memory is bounded already, so
/// the number of calls bounds the memory of the party too.
///
/// Confined to one loop, by the calls that enter it; safe as `@unchecked Sendable` for that reason.
package final class CallGate: @unchecked Sendable {
    /// Calls that may run at once.
    package var limit: Int
    /// Calls that are running.
    package private(set) var running = 0
    /// What callers that are refused are told to wait before they try again.
    package let pushback: Duration

    /// Makes a gate that nobody has entered.
    package init(limit: Int, pushback: Duration = .seconds(1)) {
        self.limit = limit
        self.pushback = pushback
    }

    /// Counts one more call.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when it is one too many.
    func enter() throws(Status) {
        guard running < limit else {
            throw Status(.resourceExhausted, "too many calls at once; the limit is \(limit)")
        }
        running += 1
    }

    /// Counts one call less.
    func leave() {
        running -= 1
    }
}
