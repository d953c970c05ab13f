package import Domain

/// How often a user wants to hear of something that can be gathered.
package struct CadenceChoice: Sendable, Hashable {
    /// As whom the user chose.
    package let audience: Audience
    /// What the choice is about.
    package let scope: ChoiceScope
    /// How often.
    package let cadence: Cadence

    /// Makes a choice.
    package init(audience: Audience, scope: ChoiceScope, cadence: Cadence) {
        self.audience = audience
        self.scope = scope
        self.cadence = cadence
    }

    /// Adds this choice to the choices of its audience.
    func apply(to choices: inout Choices) {
        choices[scope].cadence = cadence
    }

    /// The member of the stored object that says it.
    static func key(_ audience: Audience, _ scope: ChoiceScope) -> String {
        let columns = scope.columns
        return "\(audience.rawValue)/\(columns.scope)/\(columns.key)"
    }

    /// Reads a member of the stored object; nil when this version does not know what it says.
    init?(key: String, value: JSONValue) {
        let parts = key.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let audience = Audience(rawValue: parts[0]),
            let scope = ChoiceScope(scope: parts[1], key: parts[2]),
            let cadence = value.string.flatMap(Cadence.init(rawValue:))
        else { return nil }
        self.init(audience: audience, scope: scope, cadence: cadence)
    }

    /// Reads the stored object, in the order of its keys.
    static func list(json: String?) -> [CadenceChoice] {
        guard let json, case .object(let members)? = JSONValue(json) else { return [] }
        return members.sorted { $0.key < $1.key }.compactMap { CadenceChoice(key: $0.key, value: $0.value) }
    }
}
