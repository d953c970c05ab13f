/// Where something is decided.
package enum DecisionPlace: String, CaseIterable, Sendable {
    /// A preference check: alone, in a batch, or on a stream.
    case check
    /// An event that was stored with what was decided of it.
    case publish
    /// The second look, right before a message is sent.
    case send
}
