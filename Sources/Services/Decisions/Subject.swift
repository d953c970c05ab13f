internal import Domain
internal import Storage

/// A user with everything that decisions about the user rest on.
struct Subject {
    /// The user.
    let user: UserFacts
    /// The user's account, or the supplier.
    let home: KnownHome
    /// The settings in force for the account.
    let settings: TenantSettings

    /// The user's account; nil for the supplier's people.
    var account: AccountID? { home.facts.account }

    /// The audience in which the user is meant when none is named.
    var ownAudience: Audience { home.facts.isSupplier ? .internalIndividual : .customer }

    /// Whether the user can be considered in this audience at all.
    func belongs(to audience: Audience) -> Bool { audience.isInternal == home.facts.isSupplier }

    /// What a type would mean to the user now.
    func decide(_ type: NotificationType, as audience: Audience, now: Instant) -> Decision {
        Domain.decide(
            user, of: home.facts, as: audience, event: .hypothetical(type),
            // Copied only where it matters: there are a million checks a minute.
            about: settings.hasAccountOverrides ? account : nil, settings: settings, now: now)
    }

    /// The user if something were different.
    func supposing(_ change: (inout UserFacts) -> Void) -> Subject {
        var user = user
        change(&user)
        return Subject(user: user, home: home, settings: settings)
    }
}

/// A user as just read.
struct UserReading {
    /// The user's record, with the addresses.
    let record: UserRecord
    /// What decisions about the user rest on.
    let subject: Subject
}
