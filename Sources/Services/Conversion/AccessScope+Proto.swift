internal import CarillonAPI
internal import Security

extension Carillon_V1_AccessScope {
    /// How the scope is written where scopes are texts; nil for one that is not named or not known.
    var word: String? {
        switch self {
        case .tenant: AccessScopes.tenantWord
        case .publish: AccessScope.publish.word
        case .check: AccessScope.check.word
        case .read: AccessScope.read.word
        case .accounts: AccessScope.accounts.word
        case .preferences: AccessScope.preferences.word
        case .catalog: AccessScope.catalog.word
        case .providers: AccessScope.providers.word
        case .inbox: AccessScope.inbox.word
        case .operator: AccessScope.platform.word
        case .unspecified, .UNRECOGNIZED: nil
        }
    }

    /// The scopes of stored words, in the order of the interface; words of later versions are passed over.
    static func scopes(words: [String]) -> [Carillon_V1_AccessScope] {
        allCases.filter { scope in scope.word.map { words.contains($0) } ?? false }
    }
}

extension FieldCheck {
    /// The words of the scopes that a request names, each once.
    ///
    /// - Parameter refused: those that such a credential cannot have.
    mutating func scopes(
        _ scopes: [Carillon_V1_AccessScope], _ field: String, except refused: Set<Carillon_V1_AccessScope>
    ) -> [String] {
        var words: [String] = []
        for (place, scope) in scopes.enumerated() {
            guard let word = scope.word else {
                add("\(field)[\(place)]", "is not a known scope", reason: "UNKNOWN")
                continue
            }
            if refused.contains(scope) {
                add("\(field)[\(place)]", "is a scope that such a credential cannot have", reason: "NOT_ALLOWED")
            } else if !words.contains(word) {
                words.append(word)
            }
        }
        return words
    }
}
