internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// What sending for one tenant needs besides the facts: who the tenant is, its key, its providers. Read again when it is
/// older than a batch may trust.
struct SendingMeans: Sendable {
    /// How old it may be when a batch begins: a provider that was changed or disabled is obeyed within that time.
    static let lifetime: Duration = .seconds(1)

    let tenant: TenantRecord
    let key: DataKey
    /// The e-mail providers, the one to try first first.
    let providers: [ReadyProvider]
    let readAt: MonotonicTime

    /// Whether a batch may rely on it.
    func isFresh(at now: MonotonicTime) -> Bool { readAt.advanced(by: Self.lifetime) > now }
}

extension DeliveryWorker {
    /// The means of a tenant, at most ``SendingMeans/lifetime`` old; nil when it cannot be worked, which was told.
    func means(of work: TenantWork) async throws(StorageError) -> SendingMeans? {
        if let means = work.means, means.isFresh(at: loop.now) { return means }
        guard let connections else { return nil }
        let readAt = loop.now
        guard let tenant = try await connections.registry.tenant(work.tenant), tenant.state == .active else {
            return nil
        }
        let records = try await work.store.sendingProviders(for: .email)
        let key: DataKey
        do throws(SecretError) {
            key = try configuration.keyring.unwrap(tenant.wrappedDataKey, for: tenant.id.rawValue)
        } catch {
            throw StorageError(.corrupt, "the tenant's data key does not open: \(error.code.rawValue)")
        }
        let means = SendingMeans(
            tenant: tenant, key: key, providers: providers(of: records, tenant, key, work), readAt: readAt)
        work.means = means
        return means
    }

    private func providers(
        of records: [ProviderRecord], _ tenant: TenantRecord, _ key: DataKey, _ work: TenantWork
    ) -> [ReadyProvider] {
        guard let transfer = connections?.transfer else { return [] }
        let factory = ProviderFactory(loop: loop, transfer: transfer, configuration: configuration)
        let isSameTenant = work.means?.tenant.revision == tenant.revision
        var ready: [ReadyProvider] = []
        for record in records {
            // One that did not change keeps its opened secret; its name may come from the tenant.
            if isSameTenant,
                let known = work.means?.providers.first(where: { $0.id == record.id }),
                known.revision == record.revision
            {
                ready.append(known)
                continue
            }
            do throws(ProviderFactory.Unusable) {
                ready.append(try factory.make(record, for: tenant, key: key))
            } catch {
                // Said once for each revision, not with each batch.
                guard work.unusable.updateValue(record.revision, forKey: record.id) != record.revision else { continue }
                environment.onEvent(.providerUnusable(tenant.id, record.id, reason: error.reason))
            }
        }
        work.rests.keep(only: Set(ready.map(\.id)))
        return ready
    }
}
