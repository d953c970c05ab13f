internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// Reads the choices of an update.
enum ChoiceReader {
    /// The most choices of one update.
    static let limit = 1000

    /// The changes that are asked for.
    ///
    /// - Throws: INVALID_ARGUMENT that names every choice that cannot be made.
    static func changes(
        _ sent: [Carillon_V1_PreferenceChoice], of subject: Subject
    ) throws(Status) -> [PreferenceChange] {
        var check = FieldCheck()
        if sent.isEmpty { check.add("choices", "is required", reason: "REQUIRED") }
        if sent.count > limit {
            check.add("choices", "has \(sent.count) choices; at most \(limit) are taken", reason: "TOO_MANY")
            try check.check()
        }
        var places: Set<PreferenceChange> = []
        var changes: [PreferenceChange] = []
        for (number, choice) in sent.enumerated() {
            guard let change = change(choice, "choices[\(number)]", subject, &check) else { continue }
            let place = PreferenceChange(
                audience: change.audience, scope: change.scope, channel: change.channel, isOn: nil)
            if places.insert(place).inserted {
                changes.append(change)
            } else {
                check.add("choices[\(number)]", "repeats an earlier choice of the request", reason: "REPEATED")
            }
        }
        try check.check()
        return changes
    }

    private static func change(
        _ sent: Carillon_V1_PreferenceChoice, _ field: String, _ subject: Subject, _ check: inout FieldCheck
    ) -> PreferenceChange? {
        let scope = scope(sent, field, &check)
        let channel = Channel(sent.channel)
        if sent.channel != .unspecified, channel == nil {
            check.add("\(field).channel", "is not a known channel", reason: "UNKNOWN")
            return nil
        }
        var audience = subject.ownAudience
        if sent.audience != .unspecified {
            guard let named = Audience(sent.audience), subject.belongs(to: named) else {
                check.add("\(field).audience", "is not one of the user's")
                return nil
            }
            audience = named
        }
        let isOn: Bool?
        switch sent.choice {
        case .on: isOn = true
        case .off: isOn = false
        case .clear: isOn = nil
        case .unspecified, .UNRECOGNIZED:
            check.add("\(field).choice", "must be CHOICE_ON, CHOICE_OFF or CHOICE_CLEAR", reason: "REQUIRED")
            return nil
        }
        return scope.map { PreferenceChange(audience: audience, scope: $0, channel: channel, isOn: isOn) }
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

extension Carillon_V1_PreferenceChoice {
    init(_ choice: PreferenceChoice) {
        self.init()
        switch choice.scope {
        case .type(let key): notificationType = key.rawValue
        case .category(let name): category = name.rawValue
        case .all: all = true
        }
        if let channel = choice.channel { self.channel = Carillon_V1_Channel(channel) }
        audience = Carillon_V1_Audience(choice.audience)
        self.choice = choice.isOn ? .on : .off
    }
}
