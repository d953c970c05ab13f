internal import Synchronization

/// Bounds the calls that run at once for one party, such as a tenant, over all loops that share the gate, and what their
/// requests hold. Handlers put a call through it with ``CallContext/enter(_:by:)`` as soon as they know whom it is for.
///
/// Any thread: the loops share nothing but the counts, and a call that is let in changes one of them when it comes and when it
/// goes; both, if its request is more than a few octets. There is no lock to wait for.
package final class CallGate: Sendable {
    /// What is let in. All loops have their own copy, so that terms can change while calls are inside: new terms count for
    /// those who come.
    package struct Terms: Sendable {
        /// Calls that may run at once.
        package let limit: Int
        /// What the caller is told who comes when as many are inside.
        package let refusal: CallRefusal

        /// Makes terms.
        package init(limit: Int, refusal: CallRefusal) {
            self.limit = limit
            self.refusal = refusal
        }
    }

    /// What the requests of the calls inside may hold.
    package struct OctetTerms: Sendable {
        /// While as many octets are inside, no further request enters that is more than ``CallGate/uncounted`` octets. One that
        /// is larger than the limit enters alone.
        package let limit: Int
        /// What the caller is told who has to stay outside.
        package let refusal: CallRefusal

        /// Makes terms.
        package init(limit: Int, refusal: CallRefusal) {
            self.limit = limit
            self.refusal = refusal
        }
    }

    /// Requests of up to as many octets are not counted by what they hold: the number of calls bounds them well enough.
    package static let uncounted = 4096

    /// What is let in when a caller has no other terms.
    package let terms: Terms
    private let octetTerms: OctetTerms?
    /// The calls that are inside, and for a moment those that are being refused. Relaxed, since nothing else is read by it.
    private let count = Atomic<Int>(0)
    /// The octets of their requests, without those that are not counted.
    private let octets = Atomic<Int>(0)

    /// Makes a gate that nobody has entered.
    ///
    /// - Parameter octets: bounds what the requests hold; nil for no such bound.
    package init(_ terms: Terms, octets: OctetTerms? = nil) {
        self.terms = terms
        octetTerms = octets
    }

    /// Makes a gate that nobody has entered, with the usual words for who is refused.
    package convenience init(limit: Int, pushback: Duration = .seconds(1)) {
        let status = Status(.resourceExhausted, "too many calls at once; the limit is \(limit)")
        self.init(Terms(limit: limit, refusal: CallRefusal(status, pushback: pushback)))
    }

    /// Calls that are running, and for a moment those that are being refused.
    package var running: Int { count.load(ordering: .relaxed) }

    /// Counts one more call. Never are more than the limit inside: who finds as many before him does not enter. While one is
    /// being refused, another may be for whom a place became free in the same moment; he is told to come again anyway.
    ///
    /// - Parameters:
    ///   - octets: the length of its request.
    ///   - terms: the terms to enter by, if they are not the gate's own.
    /// - Throws: the refusal when it is one too many, or its request is too much beside the others'.
    func enter(octets: Int = 0, by terms: Terms? = nil) throws(CallRefusal) {
        // What is said to who is refused is not touched for who enters.
        guard count.add(1, ordering: .relaxed).newValue <= terms?.limit ?? self.terms.limit else {
            count.subtract(1, ordering: .relaxed)
            throw terms?.refusal ?? self.terms.refusal
        }
        guard octets > Self.uncounted, let octetTerms else { return }
        guard self.octets.add(octets, ordering: .relaxed).oldValue < octetTerms.limit else {
            leave(octets: octets)
            throw octetTerms.refusal
        }
    }

    /// Counts one call less.
    ///
    /// - Parameter octets: what it entered with.
    func leave(octets: Int = 0) {
        count.subtract(1, ordering: .relaxed)
        if octets > Self.uncounted, octetTerms != nil { self.octets.subtract(octets, ordering: .relaxed) }
    }
}
