/// What sort of message a type is.
package enum Kind: String, CaseIterable, Sendable, Hashable {
    /// The answer to, or record of, something somebody did.
    case transactional
    /// An object moved to another state.
    case statusChange = "status_change"
    /// Something is due; bound to an object and cancelled by its conditions.
    case reminder
    /// A summary of a span of time.
    case digest
}

/// How urgent a type is. Critical types pass quiet hours and are never put into a digest.
package enum Priority: String, CaseIterable, Sendable, Hashable {
    case low
    case normal
    case high
    case critical
}
