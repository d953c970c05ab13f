/// Whether the octets of a stream still move: a request body that is to come as a whole, and an answer that the peer is to
/// take. Pure: the time comes from the caller, who looks every few seconds.
struct TransferPace {
    /// Octets that count as movement of an answer; less, and a peer could hold it by taking an octet a minute.
    static let step = 1024

    private var mark: MonotonicTime?
    private var sentAtMark = 0

    /// Whether an answer has stood still for too long.
    ///
    /// - Parameters:
    ///   - sent: octets of the answer that have been sent so far.
    ///   - waiting: octets that wait to be sent, an end that waits as one.
    ///   - stall: how long they may wait without ``step`` octets being taken.
    mutating func isOutputStalled(sent: Int, waiting: Int, stall: Duration, at now: MonotonicTime) -> Bool {
        guard waiting > 0 else {
            mark = nil
            return false
        }
        guard let since = mark, sent &- sentAtMark < Self.step else {
            mark = now
            sentAtMark = sent
            return false
        }
        return since.duration(to: now) >= stall
    }

    /// Whether a body comes too slowly on the whole.
    ///
    /// - Parameters:
    ///   - received: octets that came so far.
    ///   - age: since when they could come.
    static func isInputTooSlow(received: Int, age: Duration, _ limits: HTTP2Limits) -> Bool {
        guard age > limits.bodyGrace else { return false }
        let late = Double((age - limits.bodyGrace).wholeNanoseconds) / 1e9
        return Double(received) < late * Double(limits.bodyRate)
    }
}
