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
    /// The same of those only who hear what is for the team. Accounts have none: nothing is for a team of theirs.
    private let team: [DutyRoster]
    /// The state of the mailbox: of an account the billing mailbox, the last resort when no user can be reached; of the supplier the
    /// team's, which hears besides what is for the team.
    package let mailbox: AddressState
    /// What was chosen for the team's mailbox; nothing for an account's.
    package let mailboxChoices: Choices

    /// Makes the facts of a side.
    ///
    /// - Parameter candidates: its active people, in any order; those suffice whom ``DutyRoster`` would not leave out.
    package init(
        account: AccountID? = nil, isSuppressed: Bool = false, defaults: Choices = .none,
        candidates: some Sequence<DutyRoster.Candidate> = [], mailbox: AddressState = .missing,
        mailboxChoices: Choices = .none
    ) {
        self.account = account
        self.isSuppressed = isSuppressed
        self.defaults = defaults
        self.mailbox = mailbox
        self.mailboxChoices = mailboxChoices
        let sorted = candidates.sorted()
        roster = DutyRoster(sorted)
        team = account == nil ? [DutyRoster(sorted.filter(\.isTeamMember))] : []
    }

    /// A side of nobody.
    package static let none = SideFacts()

    /// Who is told in an audience where at least one must be.
    func roster(for audience: Audience) -> DutyRoster {
        audience == .internalTeam ? team.first ?? roster : roster
    }

    /// Whether these are the supplier's.
    package var isSupplier: Bool { account == nil }

    /// How much memory they take, about, in octets.
    package var octets: Int {
        // Each name of somebody who may have to be told takes 80.
        112 + defaults.octets + mailboxChoices.octets + roster.count * 80 + max(0, roster.count - 1) * 24 + team.count
            * 200
    }
}

extension SideFacts: Equatable {
    /// Whether two say the same.
    package static func == (left: SideFacts, right: SideFacts) -> Bool {
        left === right
            || left.account == right.account && left.isSuppressed == right.isSuppressed
                && left.defaults == right.defaults && left.roster == right.roster
                && left.team == right.team && left.mailbox == right.mailbox
                && left.mailboxChoices == right.mailboxChoices
    }
}
