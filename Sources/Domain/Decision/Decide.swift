// The one place where it is decided who is told of what, where and when. Preference checks, publishing, the worker's
// second look before sending, explanations and previews all come here.

/// What an event means to one user, by the user's facts and what is known of the user's side.
///
/// A function of its arguments only, and cheap: no allocation besides what dictionaries of choices hash.
///
/// - Parameters:
///   - user: the user asked about.
///   - facts: what is known of the side that the user belongs to: the account that the event is about, or the supplier's.
///   - audience: as whom the user is considered.
///   - event: what happened, or ``EventFacts/hypothetical(_:)`` for a check.
///   - account: the account that the event is about; nil for none.
///   - settings: what the tenant decided.
///   - heldDuty: the duty that was found when the event was published. The worker hands it in, so that a stand-in who
///     was chosen then is not dropped because the default user can be reached again: nobody else was asked. It counts
///     only while the setting is mandatory.
///   - now: the time of asking.
package func decide(
    _ user: UserFacts, of facts: SideFacts, as audience: Audience, event: EventFacts, about account: AccountID?,
    settings: TenantSettings, heldDuty: Duty? = nil, now: Instant
) -> Decision {
    Side(audience: audience, event: event, facts: facts, about: account, settings: settings)
        .decide(user, heldDuty: heldDuty, now: now)
}

/// What an event means to one of the people of its sides.
///
/// - Parameters:
///   - id: the user asked about; one who is not in the directory is treated as inactive.
///   - account: the people of the account that the event is about; needed for customers.
///   - supplier: the supplier's own people; needed for the internal audiences.
///   - The others are those of ``decide(_:of:as:event:about:settings:heldDuty:now:)``.
package func decide(
    user id: UserID, as audience: Audience, event: EventFacts, account: Directory?, supplier: Directory = .empty,
    settings: TenantSettings, heldDuty: Duty? = nil, now: Instant
) -> Decision {
    let (side, people) = Side.of(audience, event, account, supplier, settings)
    guard let user = people[id] else { return side.refusal(.recipientInactive) }
    return side.decide(user, heldDuty: heldDuty, now: now)
}

/// What an event means to everybody whom it may concern.
///
/// One entry for each user in scope and audience, those who get nothing included, in order of audience and seniority.
/// A supplier user who already gets it in person is not told again as a member of the team: that entry is a
/// ``Reason/duplicate``. The team's mailbox follows, if there is one. Where at least one must be told and no user can be reached, an
/// entry for the billing mailbox or for ``Recipient/nobody(_:)`` does.
///
/// - Parameters are those of ``decide(user:as:event:account:supplier:settings:heldDuty:now:)``.
package func resolve(
    event: EventFacts, account: Directory?, supplier: Directory = .empty, settings: TenantSettings,
    now: Instant
) -> [RecipientDecision] {
    var decisions: [RecipientDecision] = []
    var told: Set<UserID> = []
    for audience in Audience.allCases where event.type.audiences[audience] != nil {
        if audience == .customer, account == nil { continue }
        let (side, people) = Side.of(audience, event, account, supplier, settings)
        let candidates = side.candidates(in: people)
        for user in candidates {
            var decision = side.decide(user, heldDuty: nil, now: now)
            if decision.isPositive, !told.insert(user.id).inserted {
                decision = side.refusal(.duplicate, like: decision.trace)
            }
            decisions.append(RecipientDecision(recipient: .user(user.id), audience: audience, decision: decision))
        }
        let lastResort = side.lastResort(after: candidates, now: now)
        // One mailbox is told once: as who stands in, or as a member of the team.
        if lastResort?.recipient != .mailbox(people.side.account), let mailbox = side.teamMailbox(now: now) {
            decisions.append(mailbox)
        }
        if let lastResort { decisions.append(lastResort) }
    }
    return decisions
}

/// What an event means to a mailbox that was told of it when it was published: the worker's second look. An account's stood in then;
/// the team's did so if that is the duty which it held.
///
/// - Parameters are those of ``decide(user:as:event:account:supplier:settings:heldDuty:now:)``.
package func decideMailbox(
    as audience: Audience, event: EventFacts, account: Directory?, supplier: Directory = .empty,
    settings: TenantSettings, heldDuty: Duty? = .standIn, now: Instant
) -> Decision {
    Side.of(audience, event, account, supplier, settings).side.decideMailbox(heldDuty: heldDuty, now: now)
}

extension Side {
    /// An audience's side of an event, and its people.
    fileprivate static func of(
        _ audience: Audience, _ event: EventFacts, _ account: Directory?, _ supplier: Directory,
        _ settings: TenantSettings
    ) -> (side: Side, people: Directory) {
        let people = audience.isInternal ? supplier : account ?? .empty
        let side = Side(
            audience: audience, event: event, facts: people.side, about: account?.side.account, settings: settings)
        return (side, people)
    }
}
