import CarillonNet
import Security
import Testing

@testable import Domain
@testable import Services
@testable import Storage

@Suite("Who was let in before")
struct KnownCallersTests {
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

    private static let ours = KnownCallers.Fingerprint(high: 1, low: 2)

    private func found(_ fingerprint: KnownCallers.Fingerprint, at now: MonotonicTime, epoch: Int) -> Caller? {
        var callers = KnownCallers(limit: 8)
        callers.insert(caller, for: Self.ours, epoch: 3)
        return callers.find(fingerprint, until: now, epoch: epoch)
    }

    @Test("the same caller comes again, until the check has run out")
    func again() {
        #expect(found(Self.ours, at: MonotonicTime(nanoseconds: 1_999), epoch: 3)?.actor == "key/abc")
        #expect(found(Self.ours, at: goodUntil, epoch: 3) == nil)
    }

    @Test("half of a fingerprint is not enough", arguments: [(1, 3), (3, 2)])
    func others(high: Int, low: Int) {
        #expect(found(KnownCallers.Fingerprint(high: high, low: low), at: readAt, epoch: 3) == nil)
    }

    @Test("what was forgotten since is looked at again")
    func epochs() {
        #expect(found(Self.ours, at: readAt, epoch: 4) == nil)
    }

    @Test("one use in ten seconds is noted")
    func uses() {
        let known = known
        let noted = [0, 1, 9, 10, 11, 20].filter {
            known.isWorthNoting(at: Instant(seconds: $0))
        }
        #expect(noted == [0, 10, 20])
        let caller = Caller(
            role: .tenantKey, scopes: AccessScopes(.check), actor: "key/abc", scope: nil, goodUntil: goodUntil,
            key: known)
        #expect([0, 9, 10, 11].filter { caller.keyToNote(at: Instant(seconds: $0)) === known } == [0, 10])
    }
}
