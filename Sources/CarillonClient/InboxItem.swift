internal import CarillonAPI

/// A message in a user's inbox.
public struct InboxItem: Sendable, Hashable {
    /// The notification it belongs to.
    public let notification: String
    /// Its place in the user's inbox and its id there: higher than that of every older item.
    public let sequence: Int64
    /// Key of the type, such as `invoice.created`.
    public let type: String
    /// The headline, plain text.
    public let title: String
    /// What it says, plain text.
    public let body: String
    /// Absolute address in the portal; empty when there is none.
    public let link: String
    /// Whether it was on the user's screen.
    public let isSeen: Bool
    /// Whether the user opened or ticked it.
    public let isRead: Bool

    init(_ item: Carillon_V1_InboxItem) {
        notification = item.notificationID
        sequence = item.sequence
        type = item.notificationType
        title = item.title
        body = item.body
        link = item.deepLink
        isSeen = item.seen
        isRead = item.read
    }
}
