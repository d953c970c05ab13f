/// Whom a setting is for. The three audiences have settings of their own and do not share preferences.
package enum Audience: String, CaseIterable, Sendable, Hashable {
    /// "Customer Notifications": users of a customer account.
    case customer
    /// "My Notifications": one supplier user who is concerned in person.
    case internalIndividual = "internal_individual"
    /// "Supplier Notifications": the supplier's team.
    case internalTeam = "internal_team"

    /// The heading under which portals show the audience's settings.
    package var title: String {
        switch self {
        case .customer: "Customer Notifications"
        case .internalIndividual: "My Notifications"
        case .internalTeam: "Supplier Notifications"
        }
    }

    /// Whether the audience's people belong to the supplier.
    package var isInternal: Bool { self != .customer }
}

/// One value for each audience, stored in line.
package struct PerAudience<Value> {
    /// The value for customers' users.
    package var customer: Value
    /// The value for single supplier users.
    package var internalIndividual: Value
    /// The value for the supplier's team.
    package var internalTeam: Value

    /// A value for each audience.
    package init(customer: Value, internalIndividual: Value, internalTeam: Value) {
        self.customer = customer
        self.internalIndividual = internalIndividual
        self.internalTeam = internalTeam
    }

    /// The value for one audience.
    package subscript(audience: Audience) -> Value {
        get {
            switch audience {
            case .customer: customer
            case .internalIndividual: internalIndividual
            case .internalTeam: internalTeam
            }
        }
        set {
            switch audience {
            case .customer: customer = newValue
            case .internalIndividual: internalIndividual = newValue
            case .internalTeam: internalTeam = newValue
            }
        }
    }
}

extension PerAudience: Sendable where Value: Sendable {}
extension PerAudience: Equatable where Value: Equatable {}
extension PerAudience: Hashable where Value: Hashable {}

/// Who of an audience a type concerns. It is a property of the type, so that a mandatory setting on a type that
/// addresses one person can never fan out to a whole account.
package enum Scope: String, CaseIterable, Sendable, Hashable {
    /// Every user of the account; for the team, every member.
    case account
    /// The account's administrators.
    case accountAdmins = "account_admins"
    /// Only the users that the event names.
    case addressedUser = "addressed_user"
    /// Only the supplier users assigned to the account or object.
    case assignedRep = "assigned_rep"

    /// Whether the type concerns named people, who have no stand-in.
    package var isPersonal: Bool { self == .addressedUser || self == .assignedRep }
}
