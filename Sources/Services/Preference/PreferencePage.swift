internal import CarillonAPI
internal import Domain
internal import Storage

/// What holds for one user: the rows of the preference page. It is read off decisions, so the page never says anything
/// else than what Publish does.
struct PreferencePage {
    private static let types = Catalog.builtIn.types.sorted { $0.key < $1.key }

    let user: UserID
    let audience: Audience
    let subject: Subject
    let now: Instant

    /// The types that the audience has and that are not disabled, in the order of their keys.
    func preferences(of category: CategoryName?) -> [Carillon_V1_EffectivePreference] {
        Self.types.compactMap { type in
            guard category == nil || type.category == category, type.audiences[audience] != nil else { return nil }
            let decision = subject.decide(user, type, as: audience, now: now)
            return decision.reason == .typeDisabled ? nil : preference(type, decision)
        }
    }

    private func preference(_ type: NotificationType, _ decision: Decision) -> Carillon_V1_EffectivePreference {
        let choices = subject.home.snapshot.directory[user]?.choices[audience] ?? .none
        // Of a mandatory type one channel cannot be turned off: the first that can be delivered.
        let kept = decision.trace.duty == nil ? nil : keptChannel(type, decision)
        var preference = Carillon_V1_EffectivePreference()
        preference.notificationType = type.key.rawValue
        preference.displayName = type.title
        preference.category = type.category.rawValue
        preference.audience = Carillon_V1_Audience(audience)
        preference.channels = type.channels.compactMap { channel in
            guard let decided = decision.channels[channel] else { return nil }
            var entry = Carillon_V1_ChannelPreference()
            entry.channel = Carillon_V1_Channel(channel)
            entry.subscribed = Self.isSubscribed(decided)
            entry.source = PreferenceOrigin.of(channel, type, choices, isMandatory: decision.trace.duty != nil)
            if let reason = Self.lock(decided, decision, isKept: channel == kept) {
                entry.locked = true
                entry.lockReason = reason.rawValue
            }
            return entry
        }
        return preference
    }

    private func keptChannel(_ type: NotificationType, _ decision: Decision) -> Channel? {
        type.channels.first { decision.channels[$0]?.verdict.isPositive == true } ?? type.channels.first
    }

    /// Whether the user is subscribed on a channel. An address that does not work, or a provider that is missing, is no
    /// choice: the subscription stays.
    private static func isSubscribed(_ decided: ChannelDecision) -> Bool {
        if decided.verdict.isPositive { return true }
        switch decided.reason {
        case .noAddress, .addressUnverified, .hardBounce, .complaint, .smsStopped, .pushTokenGone, .channelBlocked,
            .channelUnavailable, .throttled:
            return true
        default: return false
        }
    }

    private static func lock(_ decided: ChannelDecision, _ decision: Decision, isKept: Bool) -> Reason? {
        if isKept { return decision.trace.duty?.reason }
        switch decided.reason {
        case .recipientInactive, .notInvited, .customerSuppressed, .objectSuppressed, .outOfScope: return decided.reason
        default: return nil
        }
    }
}

/// Where the value of a preference comes from.
enum PreferenceOrigin {
    /// The level that spoke. A word on a channel comes before one on the whole, a narrower level before a wider one; a
    /// channel that was turned on does not count where the whole was turned off at the same level or a narrower one.
    static func of(
        _ channel: Channel, _ type: NotificationType, _ choices: Choices, isMandatory: Bool
    ) -> Carillon_V1_PreferenceSource {
        let levels: [(choice: Choice?, source: Carillon_V1_PreferenceSource)] = [
            (choices.types[type.key], .userType), (choices.categories[type.category], .userCategory),
            (choices.all, .userAll),
        ]
        var isOff = false
        for level in levels {
            guard let choice = level.choice else { continue }
            if choice.whole == false { isOff = true }
            if choice.channelsOff.contains(channel) { return level.source }
            if choice.channelsOn.contains(channel) {
                if isOff { break }
                return level.source
            }
        }
        if isMandatory { return .setting }
        return levels.first { $0.choice?.whole != nil }?.source ?? .setting
    }
}

/// What a user who chose should know.
enum Notices {
    /// A notice for each type that stays mandatory although a choice was to turn it off.
    static func about(
        _ changes: [PreferenceChange], of user: UserID, _ subject: Subject, now: Instant
    ) -> [Carillon_V1_PreferenceNotice] {
        var notices: [Carillon_V1_PreferenceNotice] = []
        let off = changes.filter { $0.isOn == false && $0.channel == nil }
        guard !off.isEmpty else { return [] }
        for type in Catalog.builtIn.types {
            for audience in Set(off.map(\.audience)) where type.audiences[audience] != nil {
                guard off.contains(where: { $0.audience == audience && $0.concerns(type) }) else { continue }
                let decision = subject.decide(user, type, as: audience, now: now)
                guard decision.trace.duty != nil, decision.reason.isMandatory else { continue }
                var notice = Carillon_V1_PreferenceNotice()
                notice.notificationType = type.key.rawValue
                notice.audience = Carillon_V1_Audience(audience)
                notice.reason = "choice_kept_while_mandatory"
                notice.explanation =
                    "\(type.title): \(decision.reason.text) The choice is kept, and holds when that ends."
                notices.append(notice)
            }
        }
        return notices.sorted { $0.notificationType < $1.notificationType }
    }
}

extension PreferenceChange {
    fileprivate func concerns(_ type: NotificationType) -> Bool {
        switch scope {
        case .type(let key): key == type.key
        case .category(let name): name == type.category
        case .all: true
        }
    }
}
