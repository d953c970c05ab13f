// The one place where it is decided who is told of what, where and when. Preference checks, publishing, the worker's
// second look before sending, explanations and previews all come here.

/// What an event means to one user.
///
/// A function of its arguments only, and cheap: no allocation besides what dictionaries of choices hash.
///
/// - Parameters:
///   - id: the user asked about; one who is not in the directory is treated as inactive.
///   - audience: as whom the user is considered.
///   - event: what happened, or ``EventFacts/hypothetical(_:for:)`` for a check.
///   - account: the account that the event belongs to; needed for customers.
///   - supplier: the supplier's own people; needed for the internal audiences.
///   - settings: what the tenant decided.
///   - heldDuty: the duty that was found when the event was published. The worker hands it in, so that a stand-in who
///     was chosen then is not dropped because the default user can be reached again: nobody else was asked. It counts
///     only while the setting is mandatory.
///   - now: the time of asking.
package func decide(
    user id: UserID, as audience: Audience, event: EventFacts, account: AccountFacts?,
    supplier: SupplierFacts = .none, settings: TenantSettings, heldDuty: Duty? = nil, now: Instant
) -> Decision {
    let side = Side(audience: audience, event: event, account: account, supplier: supplier, settings: settings)
    guard let place = side.directory.place(of: id) else { return side.refusal(.recipientInactive) }
    return side.decide(at: place, heldDuty: heldDuty, now: now)
}

/// What an event means to everybody whom it may concern.
///
/// One entry for each user in scope and audience, those who get nothing included, in order of audience and seniority.
/// A supplier user who already gets it in person is not told again as a member of the team: that entry is a
/// ``Reason/duplicate``. Where at least one must be told and no user can be reached, an entry for the billing mailbox
/// or for ``Recipient/nobody(_:)`` follows.
///
/// - Parameters are those of ``decide(user:as:event:account:supplier:settings:heldDuty:now:)``.
package func resolve(
    event: EventFacts, account: AccountFacts?, supplier: SupplierFacts = .none, settings: TenantSettings,
    now: Instant
) -> [RecipientDecision] {
    var decisions: [RecipientDecision] = []
    var told: Set<UserID> = []
    for audience in Audience.allCases where event.type.audiences[audience] != nil {
        if audience == .customer, account == nil { continue }
        let side = Side(audience: audience, event: event, account: account, supplier: supplier, settings: settings)
        for place in side.candidates {
            let id = side.directory.users[place].id
            var decision = side.decide(at: place, heldDuty: nil, now: now)
            if decision.isPositive, !told.insert(id).inserted {
                decision = side.refusal(.duplicate, like: decision.trace)
            }
            decisions.append(RecipientDecision(recipient: .user(id), audience: audience, decision: decision))
        }
        if let lastResort = side.lastResort() { decisions.append(lastResort) }
    }
    return decisions
}

/// What an event means to the billing mailbox that stood in when the event was published: the worker's second look.
///
/// - Parameters are those of ``decide(user:as:event:account:supplier:settings:heldDuty:now:)``.
package func decideMailbox(
    as audience: Audience, event: EventFacts, account: AccountFacts?, supplier: SupplierFacts = .none,
    settings: TenantSettings
) -> Decision {
    let side = Side(audience: audience, event: event, account: account, supplier: supplier, settings: settings)
    return side.decideMailbox()
}
