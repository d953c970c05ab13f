/// What is known of one side, an account or the supplier, besides its people: with the facts of one user of the side, enough to
/// decide about that user.
///
/// An immutable value. It is a class only so that handing it on costs one reference: it is on the path of every check.
package final class SideFacts: Sendable {
    /// Which account; nil for the supplier.
    package let account: AccountID?
    /// Whether the supplier silenced the account. Security and legal types pass.
    package let isSuppressed: Bool
    /// What the account's administrators chose for those of its users who chose nothing.
    package let defaults: Choices
    /// Who is told where at least one must be.
    package let roster: DutyRoster
    /// The same of those only who hear what is for the team.
    package let teamRoster: DutyRoster
    /// The state of the billing mailbox: the last resort when no user can be reached.
    package let mailbox: AddressState

    /// Makes the facts of a side.
    ///
    /// - Parameter candidates: its active people, in any order; those suffice whom ``DutyRoster`` would not leave out.
    package init(
        account: AccountID? = nil, isSuppressed: Bool = false, defaults: Choices = .none,
        candidates: some Sequence<DutyRoster.Candidate> = [], mailbox: AddressState = .missing
    ) {
        self.account = account
        self.isSuppressed = isSuppressed
        self.defaults = defaults
        self.mailbox = mailbox
        let sorted = candidates.sorted()
        roster = DutyRoster(sorted)
        // Accounts have no team, and their users hear of nothing that is for one.
        teamRoster = account == nil ? DutyRoster(sorted.filter(\.isTeamMember)) : roster
    }

    /// A side of nobody.
    package static let none = SideFacts()

    /// Who is told in an audience where at least one must be.
    func roster(for audience: Audience) -> DutyRoster { audience == .internalTeam ? teamRoster : roster }
}

extension SideFacts: Equatable {
    /// Whether two say the same.
    package static func == (left: SideFacts, right: SideFacts) -> Bool {
        left === right
            || left.account == right.account && left.isSuppressed == right.isSuppressed
                && left.defaults == right.defaults && left.roster == right.roster
                && left.teamRoster == right.teamRoster && left.mailbox == right.mailbox
    }
}
