internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// Says who calls.
///
/// In the order of cost: the same as somebody has come with lately (``KnownCallers``); a credential that this loop looked up
/// within ``ServiceLimits/credentialAge``, refused ones included; the registry. Every way to be refused looks the same from
/// outside. Who sends too many wrong credentials is refused for that (``FailureRates``), and what this loop does not know is
/// then no longer looked up for that address.
///
/// Confined to its loop; safe as `@unchecked Sendable` for that reason.
final class Authenticator: @unchecked Sendable {
    /// What a call comes with.
    enum Credentials {
        /// A key or a token, and what it names beside it.
        case bearer(BearerToken, TenantClaim)
        /// A certificate.
        case service(String, TenantClaim, isForPlatform: Bool)
    }
    /// What the registry is asked for. An answer to who asked before something was forgotten is none to who asks afterwards.
    struct Asked<Subject: Hashable & Sendable>: Hashable, Sendable {
        let subject: Subject
        let epoch: Int
    }
    private enum Look {
        case caller(Caller)
        case refused(Status)
        case unknown(Credentials)
    }

    let age: Duration
    private let limits: ServiceLimits
    /// Counts what was forgotten: callers that were checked before are checked anew.
    private(set) var epoch = 0
    private var callers: KnownCallers
    var keys: BoundedCache<String, KnownKey>
    var portals: BoundedCache<TenantID, Known<KnownPortal>>
    var services: BoundedCache<ServiceClaim, Known<ServiceCredential>>
    // What is refused is kept apart, so that nobody can push out what is good.
    var refusedKeys: BoundedCache<String, Known<Void>>
    var refusedPortals: BoundedCache<TenantID, Known<Void>>
    var refusedServices: BoundedCache<ServiceClaim, Known<ServiceCredential?>>
    /// When keys were used last.
    var uses: KeyUses
    private var failedAddresses: FailureRates<PeerAddress>
    private var failedKeys: FailureRates<String>
    /// Questions to the registry that found nothing. Garbage and what is known to be wrong cost none, so a program behind the
    /// same address that sends the same wrong key again and again keeps nobody from being looked up.
    private var vainQuestions: FailureRates<PeerAddress>
    let keyQuestions = SharedQuestions<Asked<String>, KnownKey?>()
    let portalQuestions = SharedQuestions<Asked<TenantID>, Known<KnownPortal>>()
    let serviceQuestions = SharedQuestions<Asked<ServiceClaim>, Known<ServiceCredential?>>()

    init(limits: ServiceLimits) {
        self.limits = limits
        age = limits.credentialAge
        callers = KnownCallers(limit: limits.credentials)
        keys = BoundedCache(limit: limits.credentials)
        portals = BoundedCache(limit: limits.credentials)
        services = BoundedCache(limit: limits.credentials)
        refusedKeys = BoundedCache(limit: limits.refusedCredentials)
        refusedPortals = BoundedCache(limit: limits.refusedCredentials)
        refusedServices = BoundedCache(limit: limits.refusedCredentials)
        uses = KeyUses(limit: limits.credentials)
        failedAddresses = FailureRates(limits: limits)
        failedKeys = FailureRates(limits: limits)
        vainQuestions = FailureRates(limits: limits)
    }

    // MARK: Forgetting

    /// Forgets all that it knows of a tenant, its keys and portal keys, and of services that act for it: something of them has
    /// changed.
    func forget(_ tenant: TenantID) {
        epoch += 1
        portals.remove(tenant)
        refusedPortals.remove(tenant)
        keys.removeAll { $1.credential.tenant?.id == tenant }
        services.removeAll { claim, known in (claim.tenant ?? known.answer.tenant?.id) == tenant }
        refusedServices.removeAll { claim, _ in claim.tenant == tenant }
    }

    /// Forgets a key: it was made, changed or revoked.
    func forget(key: String) {
        epoch += 1
        keys.remove(key)
        refusedKeys.remove(key)
    }

    /// Forgets which keys there were not: a tenant has come with keys that may have been asked for before.
    func forgetRefusedKeys() {
        refusedKeys.removeAll { _, _ in true }
    }

    /// Forgets what a service may do.
    func forget(service: String) {
        epoch += 1
        services.removeAll { claim, _ in claim.service == service }
        refusedServices.removeAll { claim, _ in claim.service == service }
    }

    /// Forgets what all services may do.
    func forgetServices() {
        epoch += 1
        services.removeAll { _, _ in true }
        refusedServices.removeAll { _, _ in true }
    }

    // MARK: Asking

    /// Who calls, as far as it is known without asking the database; nil when it is not.
    ///
    /// - Throws: UNAUTHENTICATED and what else ``caller(_:_:within:)`` refuses.
    func known(_ context: CallContext, _ state: LoopState) throws(Status) -> Caller? {
        switch look(context, state, within: .zero) {
        case .caller(let caller): return caller
        case .refused(let status): throw status
        case .unknown: return nil
        }
    }

    /// Who calls.
    ///
    /// - Parameter margin: for how long it must still count, for calls that go on.
    /// - Throws: UNAUTHENTICATED; PERMISSION_DENIED and INVALID_ARGUMENT for the tenant that is named or not named;
    ///   RESOURCE_EXHAUSTED after too many wrong credentials; UNAVAILABLE when it is not known and the registry cannot be
    ///   asked.
    func caller(
        _ context: CallContext, _ state: LoopState, within margin: Duration = .zero
    ) async throws(Status) -> Caller {
        switch look(context, state, within: margin) {
        case .caller(let caller): return caller
        case .refused(let status): throw status
        case .unknown(let credentials):
            let address = PeerAddress(context.peer)
            if !wereGood(credentials), vainQuestions.isSpent(address, at: state.loop.now) {
                context.pushBack(Status.failurePause)
                throw .tooManyFailures
            }
            let before = epoch
            let verdict = try await askAndJudge(credentials, state)
            switch verdict {
            case .wrong, .notAllowed: _ = vainQuestions.take(address, at: state.loop.now)
            case .caller, .unnamed: break
            }
            // What was forgotten meanwhile may be what the answer rests on: that is not for the next call.
            switch settle(verdict, credentials, context, state, isRemembered: before == epoch) {
            case .success(let caller): return caller
            case .failure(let status): throw status
            }
        }
    }

    // MARK: From memory

    private func look(_ context: CallContext, _ state: LoopState, within margin: Duration) -> Look {
        let isForPlatform = MethodAccess(context).callers == .platform
        if let caller = recall(
            context, state, until: margin == .zero ? state.loop.now : state.loop.now.advanced(by: margin), isForPlatform
        ) {
            return .caller(caller)
        }
        guard let credentials = read(context, isForPlatform) else {
            // Nothing was sent that could be wrong.
            return .refused(.unauthenticated)
        }
        guard case .credentials(let sent) = credentials else { return .refused(refusal(of: nil, context, state)) }
        guard let verdict = judgeFromMemory(sent, state, within: margin) else { return .unknown(sent) }
        switch settle(verdict, sent, context, state) {
        case .success(let caller): return .caller(caller)
        case .failure(let status): return .refused(status)
        }
    }

    /// Who came with the same lately.
    private func recall(
        _ context: CallContext, _ state: LoopState, until end: MonotonicTime, _ isForPlatform: Bool
    ) -> Caller? {
        guard let fingerprint = KnownCallers.Fingerprint(context, isForPlatform: isForPlatform),
            let caller = callers.find(fingerprint, until: end, epoch: epoch)
        else { return nil }
        let now = state.dependencies.clock()
        if let key = caller.keyToNote(at: now) { note(key, now) }
        return caller
    }

    /// Takes note that a key was used.
    func note(_ key: KnownKey, _ now: Instant) {
        if key.isWorthNoting(at: now) { uses.note(key.credential.key.id, at: now) }
    }

    private enum Sent {
        case credentials(Credentials)
        /// Something that can be no credential of ours.
        case garbage
    }

    /// What a call comes with; nil when it is nothing.
    private func read(_ context: CallContext, _ isForPlatform: Bool) -> Sent? {
        // Safe because the octets are not kept beyond the closures.
        if unsafe context.withHeader("authorization", { unsafe $0 != nil }) {
            return unsafe context.withOnlyHeader("authorization") { header in
                guard let header = unsafe header, let token = unsafe BearerToken(header: header) else {
                    return .garbage
                }
                return .credentials(.bearer(token, TenantClaim(context)))
            }
        }
        guard let identity = context.peerIdentity else { return nil }
        return .credentials(.service(identity.id, TenantClaim(context), isForPlatform: isForPlatform))
    }

    // MARK: Settling

    /// Lets the caller in, or counts what was wrong.
    private func settle(
        _ verdict: Verdict, _ credentials: Credentials, _ context: CallContext, _ state: LoopState,
        isRemembered: Bool = true
    ) -> Result<Caller, Status> {
        switch verdict {
        case .caller(let caller):
            if case .bearer(_, let claim) = credentials, !claim.allows(caller.tenant) {
                return .failure(.tenantNotAllowed)
            }
            if isRemembered { remember(caller, credentials, context) }
            return .success(caller)
        case .wrong: return .failure(refusal(of: credentials, context, state))
        case .unnamed: return .failure(.tenantRequired)
        case .notAllowed:
            _ = failedAddresses.take(PeerAddress(context.peer), at: state.loop.now)
            return .failure(.tenantNotAllowed)
        }
    }

    /// The answer to wrong credentials, which are counted.
    private func refusal(of credentials: Credentials?, _ context: CallContext, _ state: LoopState) -> Status {
        let now = state.loop.now
        var isLet = failedAddresses.take(PeerAddress(context.peer), at: now)
        if case .bearer(.key(let key), _)? = credentials { isLet = failedKeys.take(key.keyID, at: now) && isLet }
        if isLet { return .unauthenticated }
        context.pushBack(Status.failurePause)
        return .tooManyFailures
    }

    private func remember(_ caller: Caller, _ credentials: Credentials, _ context: CallContext) {
        let isForPlatform = if case .service(_, _, true) = credentials { true } else { false }
        guard let fingerprint = KnownCallers.Fingerprint(context, isForPlatform: isForPlatform) else { return }
        callers.insert(caller, for: fingerprint, epoch: epoch)
    }

    /// Whether credentials that have to be looked up again were good the last time.
    private func wereGood(_ credentials: Credentials) -> Bool {
        switch credentials {
        case .bearer(.key(let key), _):
            keys.find(key.keyID).map { key.matches(hash: $0.credential.key.secretHash) } ?? false
        case .bearer(.portal(let token), _): portals.find(token.claimedTenant) != nil
        case .service(let id, let claim, _): services.find(ServiceClaim(id, claim)) != nil
        }
    }
}
