internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// Confirms that an address which a user has added is the user's, by a token that came to it. Whoever has the token reads what comes
/// there, and needs no other credential.
struct Confirming {
    let core: ServiceCore

    /// What a token of a tenant stands for; nil for what is none of the tenant's.
    func token(_ text: String, of scope: TenantScope) throws(Status) -> ConfirmationToken? {
        ConfirmationToken(text, try scope.dataKey(core.dependencies.keyring))
    }

    /// Confirms the address. Once more changes nothing.
    ///
    /// - Parameters:
    ///   - token: what came to the address, not ended.
    ///   - origin: where it came from, for the audit.
    ///   - deadline: when nobody waits any more.
    /// - Returns: the address as it is now; nil if it is not among those that the user has added.
    /// - Throws: NOT_FOUND for a user who is gone; UNAVAILABLE.
    func confirm(
        _ token: ConfirmationToken, in scope: TenantScope, origin: String, on loop: EventLoop,
        until deadline: MonotonicTime?
    ) async throws(Status) -> ContactPoint? {
        guard var record = try await scope.facts.users.read(token.user)?.record else { return nil }
        guard let point = record[token.address], point.ownSince != nil else { return nil }
        let stamp = AuditStamp(
            id: core.dependencies.makeID(at: core.now), actor: "user/\(token.user)", origin: origin)
        if point.state == .unverified {
            record = try await core.confirm(
                token.address, of: token.user, in: scope, stamp: stamp, on: loop, until: deadline
            ).user.record
        }
        // Also the second time: the first may have come no further.
        if let change = ChangedAddress(record, at: core.now) {
            let publisher = NoticePublisher(core: core, scope: scope, actor: stamp.actor)
            await publisher.publish(about: record.account) { _ throws(Status) in try change.draft(now: core.now) }
        }
        return record[token.address]
    }
}

extension UserRecord {
    /// One of the user's addresses.
    fileprivate subscript(address: Address) -> ContactPoint? {
        contactPoints.first { $0.channel == address.channel && $0.address == address.text }
    }
}
