internal import CarillonAPI
internal import Domain
internal import Storage

/// What holds for one user: the rows of the preference page. It is read off decisions, so the page never says anything
/// else than what Publish does.
struct PreferencePage {
    private static let types = Catalog.builtIn.types.sorted { $0.key < $1.key }

    let audience: Audience
    let subject: Subject
    let now: Instant

    /// The types that the user can get in the audience, in the order of their keys: not those that are disabled, or for others.
    func preferences(of category: CategoryName?) -> [Carillon_V1_EffectivePreference] {
        Self.types.compactMap { type in
            guard category == nil || type.category == category, type.audiences[audience] != nil else { return nil }
            let decision = subject.decide(type, as: audience, now: now)
            switch decision.reason {
            case .typeDisabled, .outOfScope: return nil
            default: return preference(type, decision)
            }
        }
    }

    private func preference(_ type: NotificationType, _ decision: Decision) -> Carillon_V1_EffectivePreference {
        let choices = subject.user.choices[audience]
        let defaults = subject.home.facts.defaults
        let origin = PreferenceOrigin(
            type: type, choices: choices, defaults: defaults, isMandatory: decision.trace.duty != nil)
        let kept = keptChannels(type, decision)
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
            entry.source = origin.source(of: channel)
            if let reason = Self.lock(decided, decision, isKept: kept.contains(channel)) {
                entry.locked = true
                entry.lockReason = reason.rawValue
            }
            return entry
        }
        preference.digestible = type.isDigestible
        (preference.cadence, preference.cadenceSource) =
            type.isDigestible ? origin.cadence : (.immediately, .setting)
        return preference
    }

    /// The channels of a mandatory type that cannot be turned off: those that the setting names, else the first that can be
    /// delivered.
    private func keptChannels(_ type: NotificationType, _ decision: Decision) -> ChannelSet {
        guard decision.trace.duty != nil else { return [] }
        let named = decision.trace.setting?.mandatoryChannels.intersection(type.channelSet) ?? []
        let canBeSent = ChannelSet(type.channels.filter { decision.channels[$0]?.verdict.isPositive == true })
        guard named.isDisjoint(with: canBeSent),
            let first = type.channels.first(where: canBeSent.contains) ?? type.channels.first
        else { return named }
        return named.union(ChannelSet(first))
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

/// Where the values of one type's preferences come from.
struct PreferenceOrigin {
    private typealias Level = (choice: Choice, source: Carillon_V1_PreferenceSource)

    private let own: [Level]
    private let account: [Level]
    private let isMandatory: Bool

    /// - Parameters:
    ///   - type: the type.
    ///   - choices: what the user chose.
    ///   - defaults: what the account's administrators chose.
    ///   - isMandatory: whether the user gets it whatever was chosen.
    init(type: NotificationType, choices: Choices, defaults: Choices, isMandatory: Bool) {
        own = [
            (choices[type.key], .userType), (choices[type.category], .userCategory),
            (choices.all, .userAll),
        ]
        account = [
            (defaults[type.key], .account), (defaults[type.category], .account),
            (defaults.all, .account),
        ]
        self.isMandatory = isMandatory
    }

    /// The level that spoke of a channel. A word on a channel comes before one on the whole, a narrower level before a wider one; a
    /// channel that was turned on does not count where the whole was turned off at the same level or a narrower one. The account
    /// counts where the user said nothing.
    func source(of channel: Channel) -> Carillon_V1_PreferenceSource {
        if let source = source(of: channel, own) { return source }
        // Who has said anything on the whole has chosen, also where a mandatory type passes it over.
        if own.contains(where: { $0.choice.whole != nil }) { return .setting }
        return source(of: channel, account) ?? .setting
    }

    private func source(of channel: Channel, _ levels: [Level]) -> Carillon_V1_PreferenceSource? {
        var isOff = false
        for level in levels {
            let choice = level.choice
            if choice.whole == false { isOff = true }
            if choice.channelsOff.contains(channel) { return level.source }
            if choice.channelsOn.contains(channel) {
                if isOff { break }
                return level.source
            }
        }
        // A mandatory type passes over words on the whole.
        return isMandatory ? nil : levels.first { $0.choice.whole != nil }?.source
    }

    /// How often the user hears of it, and who said so.
    var cadence: (Carillon_V1_Cadence, Carillon_V1_PreferenceSource) {
        for level in own + account {
            if let cadence = level.choice.cadence { return (Carillon_V1_Cadence(cadence), level.source) }
        }
        return (.immediately, .setting)
    }
}

/// What a user who chose should know.
enum Notices {
    /// A notice for each type that stays mandatory although a choice was to turn it off.
    static func about(
        _ changes: [PreferenceChange], of subject: Subject, now: Instant
    ) -> [Carillon_V1_PreferenceNotice] {
        var notices: [Carillon_V1_PreferenceNotice] = []
        let off = changes.filter { $0.isOn == false && $0.channel == nil }
        guard !off.isEmpty else { return [] }
        for type in Catalog.builtIn.types {
            for audience in Set(off.map(\.audience)) where type.audiences[audience] != nil {
                guard off.contains(where: { $0.audience == audience && $0.concerns(type) }) else { continue }
                let decision = subject.decide(type, as: audience, now: now)
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
