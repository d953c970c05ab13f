@testable import Domain

/// All facts that a decision rests on, as one plain value: it is made from a seed, taken apart piece by piece, and printed.
///
/// It keeps what the engine is given in the form in which people say it: a type by its columns, hours by their windows.
struct World {
    /// The people of one side.
    struct People {
        var users: [Person] = []
        var defaultUser: UserID?
        var mailbox: AddressState = .missing
        /// What was chosen for the team's mailbox; of the supplier alone.
        var mailboxChoices = Choices.none
    }

    /// One user, and the hours in which that user wants to be left alone.
    struct Person {
        /// Everything but the schedule.
        var facts: UserFacts
        var clock: Clock?
    }

    /// When one user wants to hear of things.
    struct Clock {
        var zone: ZoneRules
        var hours: Hours?
        var digestMinute: Int
        var digestDay: Weekday
    }

    static let key = TypeKey(unchecked: "test.happened")
    static let account = Sample.accountID

    // The type.
    var category = CategoryName(unchecked: "Tests")
    var terms = PerAudience<NotificationType.AudienceTerms?>(
        customer: nil, internalIndividual: nil, internalTeam: nil)
    var channels: [Channel] = [.email]
    var priority = Priority.normal
    var respectsQuietHours = true
    var isDigestible = false
    var excludesActor = false

    // The event.
    var actor: UserID?
    var addressedUsers: [UserID] = []
    var assignedReps: [UserID] = []
    var isObjectSuppressed = false
    var isTemplateMissing = false
    var inapplicability: EventFacts.Inapplicability?
    /// When it may be told at the earliest; nil is at once.
    var notBefore: Instant?
    /// Where it goes, when it is about an address itself.
    var destination: EventFacts.Destination?

    // Both sides.
    /// The account's people; nil when the event belongs to no account.
    var customers: People?
    var isAccountSuppressed = false
    var accountDefaults = Choices.none
    var supplier = People()
    /// Who gets "Supplier Notifications"; nil is everybody.
    var team: Set<UserID>?

    // The tenant, and the moment.
    var settings = TenantSettings()
    /// What the worker hands in at its second look.
    var heldDuty: Duty?
    var now = Sample.now

    /// The people of an audience's side.
    func people(of audience: Audience) -> People {
        audience.isInternal ? supplier : customers ?? People()
    }
}

extension World {
    private static let subject = TextTemplate("It happened")

    /// What happened, as the engine is told of it; nil never comes, as the text is a constant.
    var event: EventFacts? {
        guard let subject = Self.subject else { return nil }
        let type = NotificationType(
            key: Self.key, category: category, title: "It happened", subject: subject, kind: .transactional,
            audiences: terms, channels: channels, variables: [], customerLink: nil, internalLink: nil,
            priority: priority, respectsQuietHours: respectsQuietHours, isDigestible: isDigestible,
            excludesActor: excludesActor, dedupeKey: subject)
        return EventFacts(
            type: type, actor: actor, addressedUsers: addressedUsers, assignedReps: assignedReps,
            isObjectSuppressed: isObjectSuppressed, isTemplateMissing: isTemplateMissing,
            inapplicability: inapplicability, notBefore: notBefore, destination: destination)
    }

    /// The account, as the engine is told of it.
    var accountFacts: Directory? {
        customers?.directory(of: Self.account, isSuppressed: isAccountSuppressed, defaults: accountDefaults)
    }

    /// The supplier, as the engine is told of it.
    var supplierFacts: Directory { supplier.directory(team: team) }
}

extension World.People {
    fileprivate func directory(
        of account: AccountID? = nil, team: Set<UserID>? = nil, isSuppressed: Bool = false, defaults: Choices = .none
    ) -> Directory {
        Directory(
            of: account,
            users: users.map { person in
                var facts = person.facts
                facts.schedule = person.clock?.schedule
                facts.isTeamMember = team?.contains(facts.id) ?? true
                return facts
            }, defaultUser: defaultUser, mailbox: mailbox, mailboxChoices: mailboxChoices, isSuppressed: isSuppressed,
            defaults: defaults)
    }
}

extension World.Clock {
    /// The clock, as the engine is told of it.
    var schedule: Schedule {
        Schedule(zone: zone, quietHours: hours?.quietHours, digestMinute: digestMinute, digestDay: digestDay)
    }
}
