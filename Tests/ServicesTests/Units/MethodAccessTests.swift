import CarillonGRPC
import CarillonNet
import Domain
import Security
import Storage
import Testing

@testable import Services

@Suite("Access to methods")
struct MethodAccessTests {
    @Test("is said of every method, and of nothing else")
    func completeness() async throws {
        try await House.open { house in
            let paths = house.services.methods.map { "\($0.path)" }
            #expect(Set(paths) == Set(MethodAccess.table.keys))
            #expect(paths.count == MethodAccess.table.count)
        }
    }

    @Test("travels with the method")
    func marks() async throws {
        try await House.open { house in
            for method in house.services.methods {
                let access = try #require(MethodAccess.table["\(method.path)"])
                #expect(method.mark >> 32 == UInt64(access.callers.rawValue))
                #expect(UInt32(truncatingIfNeeded: method.mark) == access.scopes.rawValue)
            }
        }
    }

    @Test("needs a scope that callers of the kind can have")
    func reachability() {
        for (path, access) in MethodAccess.table {
            let possible: [AccessScopes] =
                switch access.callers {
                case .platform: [AccessScopes(.platform)]
                case .tenant: [.tenant]
                case .tenantOrUser: [.tenant, .portal]
                case .user: [.portal]
                }
            for scopes in possible { #expect(!scopes.isDisjoint(with: access.scopes), "\(path)") }
            // What only reads may be allowed by reading; what changes something never.
            let reads = [
                "Get", "List", "Check", "BatchCheck", "StreamPreferenceChecks", "Watch", "Explain", "ExportPreferences",
            ].contains {
                path.split(separator: "/")[1].hasPrefix($0)
            }
            if !reads { #expect(access.scopes.isDisjoint(with: AccessScopes(.read)), "\(path)") }
        }
    }

    private static let portalKey = PortalKey(kid: "k", jwk: "{}")

    @Test("lets callers of its kind pass who have one of its scopes")
    func authorization() throws {
        let user = UserID(unchecked: "ann")
        let roles: [(Caller.Role, Set<MethodAccess.Callers>)] = [
            (.platformOperator, [.platform]), (.tenantKey, [.tenant, .tenantOrUser]),
            (.portalUser(user, expiry: Instant(seconds: 0), key: Self.portalKey), [.tenantOrUser, .user]),
        ]
        for (role, kinds) in roles {
            for scope in AccessScope.allCases {
                let caller = Caller(
                    role: role, scopes: AccessScopes(scope), actor: "x", scope: nil, goodUntil: .distantFuture)
                for access in Set(MethodAccess.table.values) {
                    let reason = Self.refusal { () throws in try caller.authorize(access) }
                    let expected =
                        !kinds.contains(access.callers)
                        ? "CREDENTIAL_NOT_ALLOWED" : access.scopes.all.contains(scope) ? nil : "SCOPE_MISSING"
                    #expect(reason == expected, "\(role) with \(scope) for \(access)")
                }
            }
        }
    }

    private static func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Status)?.reason ?? "another error"
        }
    }
}
