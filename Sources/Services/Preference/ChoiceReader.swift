internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// The choices of an update, checked: whether something is to come, and how often.
struct ChoiceReader {
    /// The most choices of one update.
    static let limit = 1000

    /// On, off or taken back.
    private(set) var changes: [PreferenceChange] = []
    /// How often, or taken back.
    private(set) var cadences: [PersonalChange.CadenceChange] = []

    /// The audiences in which somebody can choose.
    struct Audiences {
        /// The one that is meant when none is named.
        let own: Audience
        /// Whether it can be named.
        let allows: (Audience) -> Bool
    }

    /// Reads the choices that are asked for.
    ///
    /// - Throws: INVALID_ARGUMENT that names every choice that cannot be made.
    init(
        _ sent: [Carillon_V1_PreferenceChoice], in audiences: Audiences, _ path: String = "choices",
        isRequired: Bool = true
    ) throws(Status) {
        var check = FieldCheck()
        if sent.isEmpty, isRequired { check.add(path, "is required", reason: "REQUIRED") }
        if sent.count > Self.limit {
            check.add(path, "has \(sent.count) choices; at most \(Self.limit) are taken", reason: "TOO_MANY")
            try check.check()
        }
        var places: Set<PreferenceChange> = []
        var cadencePlaces: Set<PersonalChange.CadenceChange> = []
        for (number, choice) in sent.enumerated() {
            let field = "\(path)[\(number)]"
            guard let place = Self.place(choice, field, audiences, &check) else { continue }
            var isRepeated = false
            switch choice.choice {
            case .on, .off, .clear:
                if places.insert(place).inserted {
                    changes.append(place.saying(choice.choice == .clear ? nil : choice.choice == .on))
                } else {
                    isRepeated = true
                }
            case .unspecified where choice.cadence != .unspecified: break
            case .unspecified, .UNRECOGNIZED:
                check.add(
                    "\(field).choice", "must be CHOICE_ON, CHOICE_OFF or CHOICE_CLEAR, or the choice have a cadence",
                    reason: "REQUIRED")
            }
            if choice.cadence != .unspecified {
                if place.channel != nil {
                    check.add("\(field).cadence", "is for all channels: leave the channel out")
                }
                let cadence = Cadence(choice.cadence)
                if cadence == nil, choice.cadence != .clear {
                    check.add("\(field).cadence", "is not a known cadence", reason: "UNKNOWN")
                }
                let key = PersonalChange.CadenceChange(audience: place.audience, scope: place.scope, cadence: nil)
                if cadencePlaces.insert(key).inserted {
                    cadences.append(.init(audience: place.audience, scope: place.scope, cadence: cadence))
                } else {
                    isRepeated = true
                }
            }
            if isRepeated { check.add(field, "repeats an earlier choice of the request", reason: "REPEATED") }
        }
        try check.check()
    }

    /// What a choice is about, as a change that takes it back.
    private static func place(
        _ sent: Carillon_V1_PreferenceChoice, _ field: String, _ audiences: Audiences, _ check: inout FieldCheck
    ) -> PreferenceChange? {
        let scope = scope(sent, field, &check)
        let channel = Channel(sent.channel)
        if sent.channel != .unspecified, channel == nil {
            check.add("\(field).channel", "is not a known channel", reason: "UNKNOWN")
            return nil
        }
        var audience = audiences.own
        if sent.audience != .unspecified {
            guard let named = Audience(sent.audience), audiences.allows(named) else {
                check.add("\(field).audience", "is not one of the user's")
                return nil
            }
            audience = named
        }
        return scope.map { PreferenceChange(audience: audience, scope: $0, channel: channel, isOn: nil) }
    }

    private static func scope(
        _ sent: Carillon_V1_PreferenceChoice, _ field: String, _ check: inout FieldCheck
    ) -> PreferenceChoice.Scope? {
        switch sent.scope {
        case .notificationType(let name):
            if let type = TypeKey(name).flatMap({ Catalog.builtIn[$0] }) { return .type(type.key) }
            check.add("\(field).notification_type", "is not a known type; see ListNotificationTypes", reason: "UNKNOWN")
        case .category(let name):
            if let category = CategoryName(name), categories.contains(category) { return .category(category) }
            check.add("\(field).category", "is not a known category", reason: "UNKNOWN")
        case .all(true): return .all
        case .all(false): check.add("\(field).all", "must be true")
        case nil: check.add("\(field).scope", "is required: notification_type, category or all", reason: "REQUIRED")
        }
        return nil
    }

    private static let categories = Set(Catalog.builtIn.categories)
}

extension PreferenceChange {
    /// The same change with another word.
    fileprivate func saying(_ isOn: Bool?) -> PreferenceChange {
        PreferenceChange(audience: audience, scope: scope, channel: channel, isOn: isOn)
    }
}

/// What was chosen, as it is told: the word on a scope as a whole and the cadence are one choice there.
enum ToldChoices {
    /// The choices of a user.
    static func of(_ stored: StoredChoices) -> [Carillon_V1_PreferenceChoice] {
        var told = stored.choices.map { choice in
            Carillon_V1_PreferenceChoice(choice.scope, choice.channel, choice.audience, isOn: choice.isOn)
        }
        for cadence in stored.cadences { add(cadence, to: &told) }
        return told
    }

    /// The defaults of an account.
    static func of(_ defaults: [DefaultChoice]) -> [Carillon_V1_PreferenceChoice] {
        var told: [Carillon_V1_PreferenceChoice] = []
        var cadences: [CadenceChoice] = []
        for choice in defaults {
            switch choice.word {
            case .isOn(let isOn, let channel):
                told.append(Carillon_V1_PreferenceChoice(choice.scope, channel, .customer, isOn: isOn))
            case .cadence(let cadence):
                cadences.append(CadenceChoice(audience: .customer, scope: choice.scope, cadence: cadence))
            }
        }
        for cadence in cadences { add(cadence, to: &told) }
        return told
    }

    private static func add(_ cadence: CadenceChoice, to told: inout [Carillon_V1_PreferenceChoice]) {
        let alone = Carillon_V1_PreferenceChoice(cadence.scope, nil, cadence.audience, isOn: nil)
        let word = Carillon_V1_Cadence(cadence.cadence)
        if let place = told.firstIndex(where: {
            $0.scope == alone.scope && $0.audience == alone.audience && $0.channel == .unspecified
        }) {
            told[place].cadence = word
        } else {
            told.append(alone)
            told[told.count - 1].cadence = word
        }
    }
}

extension Carillon_V1_PreferenceChoice {
    fileprivate init(_ scope: PreferenceChoice.Scope, _ channel: Channel?, _ audience: Audience, isOn: Bool?) {
        self.init()
        switch scope {
        case .type(let key): notificationType = key.rawValue
        case .category(let name): category = name.rawValue
        case .all: all = true
        }
        if let channel { self.channel = Carillon_V1_Channel(channel) }
        self.audience = Carillon_V1_Audience(audience)
        if let isOn { choice = isOn ? .on : .off }
    }
}
