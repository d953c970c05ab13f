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
    /// This user must.
    case user(UserID, Duty)
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
    ///   - channels: those of the type that can be used.
    ///   - roster: who of the audience is tried; looked at only where somebody must be.
    ///   - mailbox: the state of the billing mailbox.
    package init(
        setting: Setting, scope: Scope, channels: ChannelSet, roster: @autoclosure () -> DutyRoster,
        mailbox: AddressState
    ) {
        switch setting.mandatory {
        case .none:
            self = .none
        case .all:
            self = .everyone
        case .atLeastOne where scope.isPersonal:
            self = .addressees
        case .atLeastOne:
            if let first = roster().first(on: channels, amongAdmins: scope != .account) {
                self = .user(first.id, first.duty)
            } else if scope == .account, mailbox == .usable, channels.contains(.email) {
                self = .mailbox
            } else {
                self = .nobody
            }
        }
    }
}
