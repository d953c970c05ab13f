/// Who of a side is told where at least one must be: the designated default user; where that one cannot be reached the most senior
/// administrator who can, else the most senior user.
///
/// Whether somebody can be reached depends on the channels of the type, so there is an order in which people are tried. Somebody
/// who can be reached on no channel on which nobody before can is never the one, and is left out: of a side of any size no more
/// than two for each channel remain. That is all that a decision about one user has to know of the others.
package struct DutyRoster: Hashable, Sendable {
    /// Somebody active who may have to be told.
    package struct Candidate: Hashable, Sendable, Comparable {
        /// Who.
        package let id: UserID
        /// Whether it is the designated default user.
        package let isDefault: Bool
        /// Whether the user administers the account.
        package let isAdmin: Bool
        /// Whether the user hears what is for the team.
        package let isTeamMember: Bool
        /// The order in which users joined; see ``UserFacts/seniority``.
        package let seniority: Int64
        /// Where the user can be reached; where somebody before can be too does not matter.
        package var channels: ChannelSet

        /// Describes a candidate.
        package init(
            id: UserID, isDefault: Bool, isAdmin: Bool, isTeamMember: Bool, seniority: Int64, channels: ChannelSet
        ) {
            self.id = id
            self.isDefault = isDefault
            self.isAdmin = isAdmin
            self.isTeamMember = isTeamMember
            self.seniority = seniority
            self.channels = channels
        }

        init(_ user: UserFacts, isDefault: Bool) {
            self.init(
                id: user.id, isDefault: isDefault, isAdmin: user.isAdmin, isTeamMember: user.isTeamMember,
                seniority: user.seniority, channels: user.usableChannels)
        }

        /// Whether `left` is tried before `right`.
        package static func < (left: Candidate, right: Candidate) -> Bool {
            (left.rank, left.seniority, left.id) < (right.rank, right.seniority, right.id)
        }

        private var rank: Int { isDefault ? 0 : isAdmin ? 1 : 2 }
    }

    private struct Place: Hashable, Sendable {
        let id: UserID
        let duty: Duty
        let isAdmin: Bool
        let channels: ChannelSet
    }

    /// Who is tried first; of most sides it is the only one, who then takes no further piece of memory.
    private let foremost: Place?
    private let others: [Place]

    /// - Parameter candidates: in the order in which they are tried.
    init(_ candidates: [Candidate]) {
        // A type may be for administrators only: somebody else before does not make one of them needless.
        var (reached, reachedByAdmins) = (ChannelSet(), ChannelSet())
        let places = candidates.compactMap { candidate -> Place? in
            let more = candidate.channels.subtracting(candidate.isAdmin ? reachedByAdmins : reached)
            if more.isEmpty { return nil }
            reached.formUnion(more)
            if candidate.isAdmin { reachedByAdmins.formUnion(more) }
            return Place(
                id: candidate.id, duty: candidate.isDefault ? .defaultUser : .standIn, isAdmin: candidate.isAdmin,
                channels: more)
        }
        foremost = places.first
        others = Array(places.dropFirst())
    }

    /// How many may come to be the one.
    package var count: Int { (foremost == nil ? 0 : 1) + others.count }

    /// The one who is told; nil when nobody can be reached.
    ///
    /// - Parameters:
    ///   - channels: those that can be used.
    ///   - amongAdmins: whether only administrators may be told.
    func first(on channels: ChannelSet, amongAdmins: Bool) -> (id: UserID, duty: Duty)? {
        func mayBe(_ place: Place) -> Bool {
            !place.channels.isDisjoint(with: channels) && (place.isAdmin || !amongAdmins)
        }
        guard let foremost else { return nil }
        if mayBe(foremost) { return (foremost.id, foremost.duty) }
        return others.first(where: mayBe).map { ($0.id, $0.duty) }
    }
}
