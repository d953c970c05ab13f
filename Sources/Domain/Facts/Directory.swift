/// The people of one side: an account's users, or the supplier's.
///
/// An immutable value. It is a class only so that handing it on costs one reference.
package final class Directory: Sendable {
    /// Everybody, active or not, in order of seniority.
    package let users: [UserFacts]
    /// What is known of the side besides them.
    package let side: SideFacts

    private let places: [UserID: Int]

    /// Makes the directory of an account, or of the supplier; of two users with one id the more senior counts.
    ///
    /// - Parameters:
    ///   - account: which account; nil for the supplier.
    ///   - users: its people, in any order.
    ///   - defaultUser: the designated default user, who hears of everything that at least one must hear of.
    ///   - mailbox: the state of the mailbox (``SideFacts/mailbox``).
    ///   - mailboxChoices: what was chosen for the team's mailbox.
    ///   - isSuppressed: whether the supplier silenced the account. Security and legal types pass.
    ///   - defaults: what the account's administrators chose for those of its users who chose nothing.
    package init(
        of account: AccountID? = nil, users: [UserFacts] = [], defaultUser: UserID? = nil,
        mailbox: AddressState = .missing, mailboxChoices: Choices = .none, isSuppressed: Bool = false,
        defaults: Choices = .none
    ) {
        var known: Set<UserID> = []
        let sorted = users.sorted { ($0.seniority, $0.id) < ($1.seniority, $1.id) }
            .filter { known.insert($0.id).inserted }
        self.users = sorted
        places = Dictionary(uniqueKeysWithValues: sorted.indices.map { (sorted[$0].id, $0) })
        side = SideFacts(
            account: account, isSuppressed: isSuppressed, defaults: defaults,
            candidates: sorted.lazy.filter { $0.inactivity == nil }
                .map { DutyRoster.Candidate($0, isDefault: $0.id == defaultUser) },
            mailbox: mailbox, mailboxChoices: mailboxChoices)
    }

    /// Nobody.
    package static let empty = Directory()

    /// The facts of one user.
    package subscript(id: UserID) -> UserFacts? { places[id].map { users[$0] } }
}

extension Directory: Equatable {
    /// Whether two directories say the same.
    package static func == (left: Directory, right: Directory) -> Bool {
        left === right || left.users == right.users && left.side == right.side
    }
}
