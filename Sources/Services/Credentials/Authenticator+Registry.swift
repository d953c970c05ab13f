internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

// What the registry has said, and what it says now.
extension Authenticator {
    /// What was said of a key within the time that counts: the key, or that there is no such key that opens anything; nil when
    /// nothing was.
    func knownKey(_ id: String, since oldest: MonotonicTime) -> KnownKey?? {
        if let known = keys.find(id), oldest < known.readAt { return known }
        if let known = refusedKeys.find(id), oldest < known.readAt { return .some(nil) }
        return nil
    }

    /// What was said of a portal within the time that counts; nil when nothing was.
    func knownPortal(_ tenant: TenantID, since oldest: MonotonicTime) -> Known<KnownPortal>? {
        if let known = portals.find(tenant), oldest < known.readAt { return known }
        if let known = refusedPortals.find(tenant), oldest < known.readAt {
            return Known(answer: .none, readAt: known.readAt)
        }
        return nil
    }

    /// What was said of a service within the time that counts; nil when nothing was.
    func knownService(_ claim: ServiceClaim, since oldest: MonotonicTime) -> Known<ServiceCredential?>? {
        if let known = services.find(claim), oldest < known.readAt {
            return Known(answer: known.answer, readAt: known.readAt)
        }
        if let known = refusedServices.find(claim), oldest < known.readAt { return known }
        return nil
    }

    // MARK: From the registry

    /// The key as the registry knows it; nil when it opens nothing.
    func askForKey(_ id: String, _ state: LoopState) async throws(Status) -> KnownKey? {
        try await keyQuestions.answer(to: Asked(subject: id, epoch: epoch), on: state.loop) {
            _ async throws(StorageError) in
            let (asked, epoch) = (state.loop.now, self.epoch)
            let found = try await state.registry.credential(id)
            let readAt = self.time(asked, epoch)
            guard let found, found.key.isValid(at: state.dependencies.clock()) else {
                self.keys.remove(id)
                self.refusedKeys.insert(Known(answer: (), readAt: readAt), for: id)
                return nil
            }
            let known = KnownKey(found, readAt: readAt)
            self.refusedKeys.remove(id)
            self.keys.insert(known, for: id)
            return known
        }
    }

    func askForPortal(_ tenant: TenantID, _ state: LoopState) async throws(Status) -> Known<KnownPortal> {
        try await portalQuestions.answer(to: Asked(subject: tenant, epoch: epoch), on: state.loop) {
            _ async throws(StorageError) in
            let (asked, epoch) = (state.loop.now, self.epoch)
            let found = try await state.registry.portal(of: tenant)
            let keys = await self.keySet(found.keys, of: tenant)
            let known = Known(
                answer: KnownPortal(tenant: found.tenant, registered: found.keys, keys: keys, usage: found.usage),
                readAt: self.time(asked, epoch))
            if found.tenant == nil {
                self.portals.remove(tenant)
                self.refusedPortals.insert(Known(answer: (), readAt: known.readAt), for: tenant)
            } else {
                self.refusedPortals.remove(tenant)
                self.portals.insert(known, for: tenant)
            }
            return known
        }
    }

    func askForService(_ claim: ServiceClaim, _ state: LoopState) async throws(Status) -> Known<ServiceCredential?> {
        try await serviceQuestions.answer(to: Asked(subject: claim, epoch: epoch), on: state.loop) {
            _ async throws(StorageError) in
            let (asked, epoch) = (state.loop.now, self.epoch)
            let found = try await state.registry.service(claim.service, actingFor: claim.tenant)
            let readAt = self.time(asked, epoch)
            if let found, claim.tenant == nil || found.tenant != nil {
                self.refusedServices.remove(claim)
                self.services.insert(Known(answer: found, readAt: readAt), for: claim)
            } else {
                self.services.remove(claim)
                self.refusedServices.insert(Known(answer: found, readAt: readAt), for: claim)
            }
            return Known(answer: found, readAt: readAt)
        }
    }

    /// From when an answer counts: from before the question, since it may have been true only then; from never, when
    /// something was forgotten meanwhile.
    private func time(_ asked: MonotonicTime, _ epoch: Int) -> MonotonicTime {
        epoch == self.epoch ? asked : MonotonicTime(nanoseconds: .min / 2)
    }

    /// The keys ready to verify; those of the last time if they are still the same.
    private func keySet(_ registered: [PortalKey], of tenant: TenantID) async -> PortalKeySet {
        if let known = portals.find(tenant), known.answer.registered == registered { return known.answer.keys }
        // What is registered was parsed when it was registered; a key that this version cannot read opens nothing.
        return (try? await PortalKeySet.parse(stored: registered.map(\.jwk))) ?? .empty
    }
}
