internal import CarillonNet
internal import Domain
internal import Storage

// Publish keeps each idempotency key with its answer for a day; here they are forgotten.

extension DeliveryWorker {
    /// How often a tenant's expired keys are looked for, at most, once all of them went.
    static let keyPause: Duration = .seconds(60)
    /// How many keys go with one statement.
    private static let keysAtOnce = 1_000
    /// How many statements one tenant may have before another has its turn.
    private static let keyStatements = 32

    /// Begins to forget the expired keys of a tenant whose queue was just looked at, if it is time.
    ///
    /// There is one tenant at a time, with one statement at a time, so that calls and claims do not feel it; a tenant that
    /// is passed over for it comes with its next look. Without the lease it would do no harm either.
    func forgetKeysInTime(of work: TenantWork) {
        guard phase == .running, work.isCurrent, !isForgettingKeys, work.keysDue <= loop.now else { return }
        isForgettingKeys = true
        loop.spawn {
            await self.forgetKeys(of: work)
            self.isForgettingKeys = false
            self.checkDrained()
        }
    }

    private func forgetKeys(of work: TenantWork) async {
        do throws(StorageError) {
            for _ in 0..<Self.keyStatements {
                let count = try await work.store.forgetExpiredKeys(now: environment.now(), limit: Self.keysAtOnce)
                guard count == Self.keysAtOnce else {
                    work.keysDue = loop.now.advanced(by: Self.keyPause)
                    return
                }
                guard phase == .running, work.isCurrent else { return }
            }
            // More are left: they go on with the next look.
        } catch {
            work.keysDue = loop.now.advanced(by: Self.keyPause)
            environment.onEvent(.readFailed(work.tenant, error))
        }
    }
}
