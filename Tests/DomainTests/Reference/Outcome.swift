@testable import Domain

/// Everything that a world is asked for.
struct Outcome: Equatable {
    /// A recipient, considered as one of an audience, and the answer.
    struct Entry: Hashable {
        let recipient: Recipient
        let audience: Audience
        let answer: Answer
    }

    /// Everybody whom the event may concern, in order.
    var resolved: [Entry] = []
    /// Each person of each side, and a stranger, asked about one by one.
    var asked: [Entry] = []
    /// The billing mailboxes, at the worker's second look.
    var mailboxes: [Entry] = []

    /// Asked about as each audience, and known to neither side.
    static let stranger = UserID(unchecked: "stranger")
}
