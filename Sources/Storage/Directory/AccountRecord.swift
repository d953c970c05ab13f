package import Domain

/// A customer account as it is stored.
package struct AccountRecord: Sendable, Hashable {
    /// Which account.
    package let id: AccountID
    /// The customer's name.
    package let displayName: String
    /// Whom "at least one" types reach first.
    package let defaultUser: UserID?
    /// Users of the supplier who look after the account.
    package let assignedUsers: [UserID]
    /// Mailbox of last resort.
    package let billingEmail: String?
    /// Whether the supplier silenced the account.
    package let notificationsSuppressed: Bool
    /// IANA name of the zone; nil is the tenant's.
    package let timeZone: String?
    /// BCP 47 tag; nil is the tenant's.
    package let locale: String?
    /// What its administrators chose for those of its users who choose nothing, in a fixed order.
    package let defaults: [DefaultChoice]
    /// Grows with each change of the account, its users or their choices.
    package let factsVersion: Int64
    /// Grows with each change of the account itself: its etag.
    package let revision: Int64
    /// When the account was made.
    package let createdAt: Instant
    /// When the account was changed last.
    package let updatedAt: Instant
}

/// What an account shall be.
package struct AccountWrite: Sendable, Hashable {
    /// Fields that an update may be limited to.
    package enum Field: String, CaseIterable, Sendable, Hashable {
        case displayName = "display_name"
        case assignedUsers = "assigned_user_ids"
        case billingEmail = "billing_email"
        case notificationsSuppressed = "notifications_suppressed"
        case timeZone = "time_zone"
        case locale
    }

    /// Which account.
    package var id: AccountID
    /// The customer's name.
    package var displayName: String
    /// Users of the supplier who look after the account.
    package var assignedUsers: [UserID]
    /// Mailbox of last resort.
    package var billingEmail: String?
    /// Whether the account is silenced.
    package var notificationsSuppressed: Bool
    /// IANA name of the zone; nil is the tenant's.
    package var timeZone: String?
    /// BCP 47 tag; nil is the tenant's.
    package var locale: String?

    /// Describes an account.
    package init(
        id: AccountID, displayName: String = "", assignedUsers: [UserID] = [], billingEmail: String? = nil,
        notificationsSuppressed: Bool = false, timeZone: String? = nil, locale: String? = nil
    ) {
        self.id = id
        self.displayName = displayName
        self.assignedUsers = assignedUsers
        self.billingEmail = billingEmail
        self.notificationsSuppressed = notificationsSuppressed
        self.timeZone = timeZone
        self.locale = locale
    }
}

/// A row that was written, and whether it is new.
package struct Upserted<Record: Sendable>: Sendable {
    /// The row as it is now.
    package let record: Record
    /// Whether the write made it.
    package let created: Bool
}
