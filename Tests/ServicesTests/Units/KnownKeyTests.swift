import CarillonNet
import Security
import Testing

@testable import Domain
@testable import Services
@testable import Storage

@Suite("Keys that were let in before")
struct KnownKeyTests {
    private let readAt = MonotonicTime(nanoseconds: 1_000)
    private let goodUntil = MonotonicTime(nanoseconds: 2_000)

    private var caller: Caller {
        Caller(role: .tenantKey, scopes: AccessScopes(.check), actor: "key/abc", scope: nil, goodUntil: goodUntil)
    }

    private var known: KnownKey {
        let key = APIKeyRecord(
            id: "abc", tenant: nil, displayName: "", secretHash: [], lastFour: "", scopes: [], createdBy: "",
            createdAt: Instant(seconds: 0), expiresAt: nil, revokedAt: nil, lastUsedAt: nil)
        return KnownKey(Storage.Credential(key: key, tenant: nil, usage: nil), readAt: readAt)
    }

    @Test("nobody is let in again who was not before")
    func first() {
        #expect(known.caller(with: .live, at: readAt, epoch: 0) == nil)
    }

    @Test("the same caller comes again, until the check has run out")
    func again() {
        let (known, caller) = (known, caller)
        known.admit(caller, with: .live, epoch: 3)
        #expect(known.caller(with: .live, at: MonotonicTime(nanoseconds: 1_999), epoch: 3) === caller)
        #expect(known.caller(with: .live, at: goodUntil, epoch: 3) == nil)
    }

    @Test("a key that is shown as another kind is another key")
    func kinds() {
        let known = known
        known.admit(caller, with: .live, epoch: 0)
        #expect(known.caller(with: .admin, at: readAt, epoch: 0) == nil)
    }

    @Test("what was forgotten since is looked at again")
    func epochs() {
        let known = known
        known.admit(caller, with: .live, epoch: 0)
        #expect(known.caller(with: .live, at: readAt, epoch: 1) == nil)
    }

    @Test("one use in ten seconds is noted")
    func uses() {
        let known = known
        let noted = [0, 1, 9, 10, 11, 20].filter { known.isWorthNoting(at: Instant(seconds: $0)) }
        #expect(noted == [0, 10, 20])
    }
}
