internal import CarillonAPI

/// Something new in an inbox.
public struct InboxChange: Sendable, Hashable {
    /// What is new.
    public enum Update: Sendable, Hashable {
        /// An item that came, or whose seen or read state changed.
        case item(InboxItem)
        /// How full the inbox is now.
        case counts(InboxCounts)
        /// Something that this version does not know.
        case unknown
    }

    /// Where to go on when watching ends here.
    public let sequence: Int64
    /// What is new.
    public let update: Update

    init(_ response: Carillon_V1_WatchInboxResponse) {
        sequence = response.sequence
        switch response.update {
        case .item(let item): update = .item(InboxItem(item))
        case .counts(let counts): update = .counts(InboxCounts(counts))
        case nil: update = .unknown
        }
    }
}
