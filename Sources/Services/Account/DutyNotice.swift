internal import CarillonAPI
internal import Domain

/// Who hears of types of which at least one user of an account must, when it is not the default user.
struct DutyNotice {
    /// The user; nil for the account's billing mailbox, or nobody.
    let standIn: UserID?
    /// Whether anybody hears of them.
    let isHeard: Bool
    /// The types.
    let types: [NotificationType]

    /// What is to be said, as things stand; nothing while the default user can be reached on each of the types.
    ///
    /// - Parameter subject: the default user of an account.
    static func about(_ subject: Subject) -> [DutyNotice] {
        var moved: [Designation: [NotificationType]] = [:]
        for type in Catalog.builtIn.types {
            guard let scope = type.audiences.customer?.scope,
                let inForce = subject.settings.setting(of: type, for: .customer, account: subject.account),
                inForce.setting.enabled
            else { continue }
            let facts = subject.home.facts
            let designation = Designation(
                setting: inForce.setting, scope: scope,
                channels: type.channelSet.subtracting(subject.settings.unavailableChannels), roster: facts.roster,
                mailbox: facts.mailbox)
            switch designation {
            case .none, .everyone, .addressees, .user(_, .defaultUser): continue
            case .user, .mailbox, .nobody: moved[designation, default: []].append(type)
            }
        }
        return moved.map { designation, types in
            let types = types.sorted { $0.key < $1.key }
            switch designation {
            case .user(let id, _): return DutyNotice(standIn: id, isHeard: true, types: types)
            case .mailbox: return DutyNotice(standIn: nil, isHeard: true, types: types)
            case .none, .everyone, .addressees, .nobody:
                return DutyNotice(standIn: nil, isHeard: false, types: types)
            }
        }
        .sorted { ($0.standIn?.rawValue ?? "", $0.types.count) < ($1.standIn?.rawValue ?? "", $1.types.count) }
    }

    /// The same in words.
    var explanation: String {
        let what = types.count == 1 ? types[0].title : "\(types.count) types of which at least one user must hear"
        guard isHeard else {
            return "The account's default user cannot be reached, nor can anybody else be told of \(what)."
        }
        let who = standIn.map { "user \($0)" } ?? "the billing mailbox"
        return "The account's default user cannot be reached; \(who) is told of \(what)."
    }
}

extension Carillon_V1_DutyNotice {
    init(_ notice: DutyNotice) {
        self.init()
        reason = notice.isHeard ? "duty_moved_to_fallback" : Reason.noEligibleRecipient.rawValue
        userID = notice.standIn?.rawValue ?? ""
        notificationTypes = notice.types.map(\.key.rawValue)
        explanation = notice.explanation
    }
}
