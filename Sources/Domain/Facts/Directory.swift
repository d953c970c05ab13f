/// The people of one side: an account's users, or the supplier's.
///
/// An immutable value. It is a class only so that handing it on costs one reference: it is on the path of every check.
package final class Directory: Sendable {
    /// Everybody, active or not, in order of seniority.
    package let users: [UserFacts]
    /// The designated default user, who hears of everything that at least one must hear of.
    package let defaultUser: UserID?
    /// The state of the billing mailbox: the last resort when no user can be reached.
    package let mailbox: AddressState

    private let places: [UserID: Int]

    /// Makes a directory; of two users with one id the more senior counts.
    package init(users: [UserFacts] = [], defaultUser: UserID? = nil, mailbox: AddressState = .missing) {
        var known: Set<UserID> = []
        let sorted = users.sorted { ($0.seniority, $0.id) < ($1.seniority, $1.id) }
            .filter { known.insert($0.id).inserted }
        self.users = sorted
        self.defaultUser = defaultUser
        self.mailbox = mailbox
        places = Dictionary(uniqueKeysWithValues: sorted.indices.map { (sorted[$0].id, $0) })
    }

    /// The same people, one of them with other facts; nothing changes for one who is not among them, or has another seniority.
    package func replacing(_ user: UserFacts) -> Directory {
        guard let place = places[user.id], users[place].seniority == user.seniority else { return self }
        var changed = users
        changed[place] = user
        return Directory(sorted: changed, places: places, defaultUser: defaultUser, mailbox: mailbox)
    }

    private init(sorted: [UserFacts], places: [UserID: Int], defaultUser: UserID?, mailbox: AddressState) {
        users = sorted
        self.places = places
        self.defaultUser = defaultUser
        self.mailbox = mailbox
    }

    /// Nobody.
    package static let empty = Directory()

    /// Where in ``users`` a user stands.
    package func place(of id: UserID) -> Int? { places[id] }

    /// The facts of one user.
    package subscript(id: UserID) -> UserFacts? { places[id].map { users[$0] } }
}

extension Directory: Equatable {
    /// Whether two directories say the same.
    package static func == (left: Directory, right: Directory) -> Bool {
        left === right
            || left.users == right.users && left.defaultUser == right.defaultUser && left.mailbox == right.mailbox
    }
}

/// What is known of a customer account at the moment of a decision.
package struct AccountFacts: Equatable, Sendable {
    /// Which account.
    package let id: AccountID
    /// Its users.
    package let directory: Directory
    /// Whether the supplier silenced the account. Security and legal types pass.
    package let isSuppressed: Bool
    /// What the account's administrators chose for those of its users who chose nothing.
    package let defaults: Choices

    /// Makes the facts of an account.
    package init(id: AccountID, directory: Directory, isSuppressed: Bool = false, defaults: Choices = .none) {
        self.id = id
        self.directory = directory
        self.isSuppressed = isSuppressed
        self.defaults = defaults
    }
}

/// What is known of the supplier's own people at the moment of a decision.
package struct SupplierFacts: Equatable, Sendable {
    /// The supplier's users.
    package let directory: Directory
    /// Those of them who get "Supplier Notifications"; nil is everybody.
    package let teamMembers: Set<UserID>?

    /// Makes the facts of a supplier.
    package init(directory: Directory = Directory(), teamMembers: Set<UserID>? = nil) {
        self.directory = directory
        self.teamMembers = teamMembers
    }

    /// A supplier with no users: internal audiences resolve to nobody.
    package static let none = SupplierFacts()
}
