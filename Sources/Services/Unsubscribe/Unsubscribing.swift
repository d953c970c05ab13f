internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// Stops mails of one kind for one user, by a token that came with one of them. A token only ever lowers consent: whoever has it
/// can turn off that one thing, and see of which type and supplier it is.
struct Unsubscribing {
    /// What a token stands for.
    struct Offer {
        let scope: TenantScope
        let token: UnsubscribeToken
        let type: NotificationType
        /// Why mails go on whatever is chosen; nil when they can be stopped.
        let lock: Decision?
    }

    let core: ServiceCore

    /// What a token of a tenant stands for; nil for what is no token of the tenant, or of a user or type that are gone.
    func offer(_ text: String, of scope: TenantScope) async throws(Status) -> Offer? {
        let key = try scope.dataKey(core.dependencies.keyring)
        guard let token = UnsubscribeToken(text, key), let type = Catalog.builtIn[token.type],
            let subject = try await scope.facts.users.subject(token.user, .current), subject.belongs(to: token.audience)
        else { return nil }
        let decision = subject.decide(type, as: token.audience, now: core.now)
        // On another channel the type may be kept, and mail be dropped; that is for the page of preferences.
        return Offer(scope: scope, token: token, type: type, lock: decision.reason.isMandatory ? decision : nil)
    }

    /// Stops the mails. Once more changes nothing.
    ///
    /// - Parameters:
    ///   - offer: what is to be stopped; not one that is locked.
    ///   - origin: where it came from, for the audit.
    ///   - deadline: when nobody waits any more.
    /// - Throws: NOT_FOUND for a user who is gone; UNAVAILABLE; RESOURCE_EXHAUSTED after too many changes of the user.
    func accept(_ offer: Offer, origin: String, on loop: EventLoop, until deadline: MonotonicTime?) async throws(Status)
    {
        let (scope, token) = (offer.scope, offer.token)
        guard let subject = try await scope.facts.users.subject(token.user, .current) else {
            throw .userNotFound(token.user)
        }
        let chosen = subject.user.choices[token.audience][token.type]
        if chosen.channelsOff.contains(.email) == true { return }
        guard scope.gates.preferenceRates[token.user].take(of: scope.terms.preferenceRate, at: loop.now) else {
            throw scope.terms.tooManyPreferences.status
        }
        let change = PreferenceChange(
            audience: token.audience, scope: .type(token.type), channel: .email, isOn: false)
        let stamp = AuditStamp(
            id: core.dependencies.makeID(at: core.now), actor: "user/\(token.user)", origin: origin)
        _ = try await core.updatePreferences(
            of: token.user, [change], in: scope, stamp: stamp, on: loop, until: deadline)
    }
}
