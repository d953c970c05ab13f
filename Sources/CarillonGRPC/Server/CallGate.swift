internal import CarillonNet

/// Bounds the calls that run at once for one party, such as a tenant on one loop. Handlers put a call through it with
/// ``CallContext/enter(_:)`` as soon as they know whom it is for; what a call may hold in memory is bounded already, so
/// the number of calls bounds the memory of the party too.
///
/// Confined to one loop, by the calls that enter it; safe as `@unchecked Sendable` for that reason.
package final class CallGate: @unchecked Sendable {
    /// Calls that may run at once.
    package let limit: Int
    /// Calls that are running.
    package var running: Int { count }
    /// What callers that are refused are told to wait before they try again.
    package let pushback: Duration
    private let refusal: Status
    // Behind a property, since the attribute works in this module alone.
    @exclusivity(unchecked) private var count = 0

    /// Makes a gate that nobody has entered.
    ///
    /// - Parameter refusal: what callers that are refused are told, where they are to be told more than the usual words. It
    ///   is made once: those who ask too much must not cost much.
    package init(limit: Int, pushback: Duration = .seconds(1), refusal: Status? = nil) {
        self.limit = limit
        self.pushback = pushback
        self.refusal = refusal ?? Status(.resourceExhausted, "too many calls at once; the limit is \(limit)")
    }

    /// Counts one more call.
    ///
    /// - Throws: the refusal when it is one too many.
    func enter() throws(Status) {
        guard count < limit else { throw refusal }
        count += 1
    }

    /// Counts one call less.
    func leave() {
        count -= 1
    }
}
