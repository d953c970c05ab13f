internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Tells the people of accounts, and of the supplier, of mail addresses that cannot be written to any more.
///
/// It comes behind the suppression, which is committed by then, and is worth less: what cannot be published is left out, and so is what
/// a process that dies has not published yet. The address is listed among the suppressions all the same, and who has to be reached and
/// cannot is told of by each event that meets nobody (``UnreachableContact``).
struct BounceNotices {
    /// The most events that one call, or one word of a worker, raises.
    private static let limit = 100

    private let publisher: NoticePublisher

    /// - Parameter publisher: publishes the events, in the name of who found it out.
    init(_ publisher: NoticePublisher) {
        self.publisher = publisher
    }

    /// Raises the events, one after the other.
    ///
    /// - Parameter concerned: accounts with their addresses.
    func raise(about concerned: [ConcernedAccount]) async {
        let now = publisher.core.now
        for one in concerned.filter({ BouncedContact($0) != nil }).prefix(Self.limit) {
            await publisher.publish(about: one.account) { _ throws(Status) in
                try BouncedContact(one).map { contact throws(Status) in try PublishDraft(contact.request, now: now) }
            }
        }
    }
}
