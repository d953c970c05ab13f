package import Domain

/// A user as stored: of a customer account, or of the supplier.
package struct UserRecord: Sendable, Hashable {
    /// Which user.
    package let id: UserID
    /// The user's account; nil for users of the supplier.
    package let account: AccountID?
    /// The user's name.
    package let displayName: String
    /// Whether the user takes part.
    package let status: UserFacts.Status
    /// Whether the user administers the account.
    package let isAdmin: Bool
    /// Whether a user of the supplier hears what is for the team.
    package let isTeamMember: Bool
    /// IANA name of the zone; nil is the account's.
    package let timeZone: String?
    /// BCP 47 tag; nil is the account's.
    package let locale: String?
    /// The addresses, by channel, the preferred one first: the user's own before those of the portal.
    package var contactPoints: [ContactPoint]
    /// Until when the user wants to hear of nothing; nil for no such time.
    package let snoozedUntil: Instant?
    /// When messages are to come; nil when the user said nothing.
    package let times: DeliveryTimes?
    /// How often the user wants to hear of what can be gathered, in a fixed order.
    package let cadences: [CadenceChoice]
    /// Grows with each change of the user: the etag.
    package let revision: Int64
    /// Grows with each change of the user's choices, times and cadences: their etag.
    package let choicesRevision: Int64
    /// When the user was made: also the order of seniority.
    package let createdAt: Instant
    /// When the user was changed last.
    package let updatedAt: Instant
}

/// What a user shall be.
package struct UserWrite: Sendable, Hashable {
    /// Fields that an update may be limited to.
    package enum Field: String, CaseIterable, Sendable, Hashable {
        case account = "account_id"
        case displayName = "display_name"
        case status = "state"
        case isAdmin = "admin"
        case isTeamMember = "team_member"
        case timeZone = "time_zone"
        case locale
        case contactPoints = "contact_points"
    }

    /// Which user.
    package var id: UserID
    /// The user's account; nil for users of the supplier.
    package var account: AccountID?
    /// The user's name.
    package var displayName: String
    /// Whether the user takes part.
    package var status: UserFacts.Status
    /// Whether the user administers the account.
    package var isAdmin: Bool
    /// Whether a user of the supplier hears what is for the team.
    package var isTeamMember: Bool
    /// IANA name of the zone; nil is the account's.
    package var timeZone: String?
    /// BCP 47 tag; nil is the account's.
    package var locale: String?
    /// All addresses that the portal gives, the preferred one of each channel first; an address must not stand twice on one channel.
    /// Those that the user has added are not touched.
    package var contactPoints: [ContactPoint]

    /// Describes a user.
    package init(
        id: UserID, account: AccountID? = nil, displayName: String = "", status: UserFacts.Status = .active,
        isAdmin: Bool = false, isTeamMember: Bool = false, timeZone: String? = nil, locale: String? = nil,
        contactPoints: [ContactPoint] = []
    ) {
        self.id = id
        self.account = account
        self.displayName = displayName
        self.status = status
        self.isAdmin = isAdmin
        self.isTeamMember = isTeamMember
        self.timeZone = timeZone
        self.locale = locale
        self.contactPoints = contactPoints
    }
}
