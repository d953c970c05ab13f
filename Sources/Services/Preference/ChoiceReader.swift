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
        /// What to say of one that cannot.
        let refusal: String

        /// Those of a user.
        init(of subject: Subject) {
            own = subject.ownAudience
            allows = subject.belongs(to:)
            refusal = "is not one of the user's"
        }

        /// That of an account's people.
        static var customers: Audiences {
            Audiences(
                own: .customer, allows: { $0 == .customer },
                refusal: "is not an account's: its people are customers")
        }

        /// That of the supplier's team.
        static var team: Audiences {
            Audiences(
                own: .internalTeam, allows: { $0 == .internalTeam }, refusal: "is not the team's: it is INTERNAL_TEAM")
        }

        private init(own: Audience, allows: @escaping (Audience) -> Bool, refusal: String) {
            (self.own, self.allows, self.refusal) = (own, allows, refusal)
        }
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
                check.add("\(field).audience", audiences.refusal)
                return nil
            }
            audience = named
        }
        return scope.map { PreferenceChange(audience: audience, scope: $0, channel: channel, isOn: nil) }
    }

    private static func scope(
        _ sent: Carillon_V1_PreferenceChoice, _ field: String, _ check: inout FieldCheck
    ) -> ChoiceScope? {
        switch sent.scope {
        case .notificationType(let name):
            if let type = TypeKey(name).flatMap({ Catalog.builtIn[$0] }) { return .type(type.key) }
            check.add("\(field).notification_type", "is not a known type; see ListNotificationTypes", reason: "UNKNOWN")
        case .category(let name):
            if let category = CategoryName(name).flatMap(Catalog.builtIn.category) { return .category(category) }
            check.add("\(field).category", "is not a known category", reason: "UNKNOWN")
        case .all(true): return .all
        case .all(false): check.add("\(field).all", "must be true")
        case nil: check.add("\(field).scope", "is required: notification_type, category or all", reason: "REQUIRED")
        }
        return nil
    }
}

extension PreferenceChange {
    /// The same change with another word.
    fileprivate func saying(_ isOn: Bool?) -> PreferenceChange {
        PreferenceChange(audience: audience, scope: scope, channel: channel, isOn: isOn)
    }
}

/// What was chosen, as it is told: the word on a scope as a whole and the cadence are one choice there.
struct ToldChoices {
    private struct Place: Hashable {
        let scope: ChoiceScope
        let audience: Audience
    }

    private var told: [Carillon_V1_PreferenceChoice] = []
    /// Where the words on scopes as a whole stand.
    private var wholes: [Place: Int] = [:]

    /// The choices of a user.
    static func of(_ stored: StoredChoices) -> [Carillon_V1_PreferenceChoice] {
        var choices = ToldChoices()
        for choice in stored.choices { choices.add(choice.scope, choice.channel, choice.audience, choice.isOn) }
        for choice in stored.cadences { choices.add(choice.scope, choice.audience, choice.cadence) }
        return choices.told
    }

    /// The defaults of an account, or what is chosen for the mailbox of the team.
    static func of(
        _ defaults: [DefaultChoice], as audience: Audience = .customer
    ) -> [Carillon_V1_PreferenceChoice] {
        var choices = ToldChoices()
        for choice in defaults {
            if case .isOn(let isOn, let channel) = choice.word { choices.add(choice.scope, channel, audience, isOn) }
        }
        for choice in defaults {
            if case .cadence(let cadence) = choice.word { choices.add(choice.scope, audience, cadence) }
        }
        return choices.told
    }

    private mutating func add(
        _ scope: ChoiceScope, _ channel: Channel?, _ audience: Audience, _ isOn: Bool?
    ) {
        if channel == nil { wholes[Place(scope: scope, audience: audience)] = told.count }
        told.append(Carillon_V1_PreferenceChoice(scope, channel, audience, isOn: isOn))
    }

    private mutating func add(_ scope: ChoiceScope, _ audience: Audience, _ cadence: Cadence) {
        let place = Place(scope: scope, audience: audience)
        if wholes[place] == nil { add(scope, nil, audience, nil) }
        if let number = wholes[place] { told[number].cadence = Carillon_V1_Cadence(cadence) }
    }
}

extension Carillon_V1_PreferenceChoice {
    fileprivate init(_ scope: ChoiceScope, _ channel: Channel?, _ audience: Audience, isOn: Bool?) {
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
