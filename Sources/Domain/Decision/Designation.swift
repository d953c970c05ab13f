/// Who must be told of an event under the setting in force.
///
/// ``Mandatory/atLeastOne`` never comes down to nobody in silence. The default user is designated; where that user is
/// missing, inactive or has no usable address on any channel of the type, another stands in: the most senior
/// administrator who can be reached, else the most senior user, else the billing mailbox. Only within the type's scope:
/// a message for one person has no stand-in, one for administrators is not shown to others.
package enum Designation: Hashable, Sendable {
    /// Nobody must; everybody chooses.
    case none
    /// Everybody in scope must.
    case everyone
    /// The user at this place of the directory must.
    case user(at: Int, Duty)
    /// The people the event names must.
    case addressees
    /// No user can be reached; the billing mailbox must.
    case mailbox
    /// Somebody must, and nobody can be reached.
    case nobody

    /// Who is designated.
    ///
    /// - Parameters:
    ///   - setting: the setting in force.
    ///   - scope: the type's scope for the audience.
    ///   - channels: the type's channels.
    ///   - directory: the people of the audience's side.
    ///   - members: the members of the team, nil is everybody.
    package init(
        setting: Setting, scope: Scope, channels: ChannelSet, directory: Directory, members: Set<UserID>? = nil
    ) {
        switch setting.mandatory {
        case .none:
            self = .none
        case .all:
            self = .everyone
        case .atLeastOne where scope.isPersonal:
            self = .addressees
        case .atLeastOne:
            self = Self.atLeastOne(scope, channels, directory, members)
        }
    }

    private static func atLeastOne(
        _ scope: Scope, _ channels: ChannelSet, _ directory: Directory, _ members: Set<UserID>?
    ) -> Designation {
        func canStand(_ user: UserFacts) -> Bool {
            (scope == .account || user.isAdmin) && members?.contains(user.id) != false
                && user.isReachable(on: channels)
        }
        if let defaultUser = directory.defaultUser, let place = directory.place(of: defaultUser),
            canStand(directory.users[place])
        {
            return .user(at: place, .defaultUser)
        }
        // The directory is in order of seniority, so the first match is the most senior.
        if let place = directory.users.firstIndex(where: { $0.isAdmin && canStand($0) }) {
            return .user(at: place, .standIn)
        }
        if let place = directory.users.firstIndex(where: canStand) {
            return .user(at: place, .standIn)
        }
        if scope == .account, directory.mailbox == .usable, channels.contains(.email) {
            return .mailbox
        }
        return .nobody
    }
}
