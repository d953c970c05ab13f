internal import CarillonAPI

/// How full an inbox is.
public struct InboxCounts: Sendable, Hashable {
    /// Items not read.
    public let unread: Int64
    /// Items not seen.
    public let unseen: Int64
    /// All items.
    public let total: Int64

    init(_ counts: Carillon_V1_InboxCounts) {
        unread = counts.unread
        unseen = counts.unseen
        total = counts.total
    }
}
