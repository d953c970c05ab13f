import Security
import Testing

@Suite("Access scopes")
struct AccessScopeTests {
    @Test("have a word each, which reads back, and a bit each")
    func words() {
        for scope in AccessScope.allCases {
            #expect(AccessScope(word: scope.word) == scope)
            #expect(AccessScopes(scope).all == [scope])
        }
        #expect(Set(AccessScope.allCases.map(\.word)).count == AccessScope.allCases.count)
        #expect(AccessScopes(AccessScope.allCases).rawValue.nonzeroBitCount == AccessScope.allCases.count)
    }

    @Test(
        "are read from words, of which the unknown open nothing",
        arguments: [
            ([], AccessScopes()), (["publish", "check"], AccessScopes(.publish, .check)), (["tenant"], .tenant),
            (["tenant", "operator"], AccessScopes.tenant.union(AccessScopes(.platform))),
            (["Publish", " publish", "platform", "everything", ""], AccessScopes()),
        ] as [([String], AccessScopes)])
    func reading(words: [String], scopes: AccessScopes) {
        #expect(AccessScopes(words: words) == scopes)
    }

    @Test("of a tenant are not those of a user or of an operator")
    func sides() {
        #expect(!AccessScopes.tenant.contains(AccessScopes(.inbox)))
        #expect(!AccessScopes.tenant.contains(AccessScopes(.platform)))
        #expect(AccessScopes.portal.all == [.preferences, .inbox])
    }
}
