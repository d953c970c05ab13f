internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

// What the administrators of an account choose for those of its users who choose nothing.

extension PreferenceServer {
    func defaults(
        of account: AccountID?, _ caller: Caller, _ context: CallContext
    ) async throws(Status) -> Carillon_V1_GetPreferencesResponse {
        guard let account else { throw .unauthenticated }
        let scope = try await scope(of: caller, administering: account)
        let record = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.account(account)
        }
        guard let record else { throw .accountNotFound(account) }
        var response = Carillon_V1_GetPreferencesResponse()
        response.choices = ToldChoices.of(record.defaults)
        response.etag = Etag.of(record.revision)
        return response
    }

    func updateDefaults(
        of account: AccountID?, _ request: Carillon_V1_UpdatePreferencesRequest, _ caller: Caller,
        _ context: CallContext
    ) async throws(Status) -> Carillon_V1_UpdatePreferencesResponse {
        guard let account else { throw .unauthenticated }
        let scope = try await scope(of: caller, administering: account)
        let choices = try ChoiceReader(request.choices, in: .customers)
        try scope.admitDefaults(of: account, context)
        if choices.changes.contains(where: { $0.isOn == true }) { try scope.requireRoom(context) }
        let revision = try Etag.revision(request.etag)
        let stamp = core.stamp(context, caller, at: core.now)
        let (tenant, now) = (scope.id, core.now)
        let updated = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: tenant, context) { () async throws(StorageError) in
                try await scope.store.updateDefaults(
                    of: account, choices.defaults, expectedRevision: revision, stamp: stamp, now: now)
            }
        }
        guard let record = updated else { throw .accountNotFound(account) }
        await core.factsChanged(of: tenant, context)
        var response = Carillon_V1_UpdatePreferencesResponse()
        response.choices = ToldChoices.of(record.defaults)
        response.etag = Etag.of(record.revision)
        return response
    }

    /// Lets a tenant's programs pass, and users of the account's portal who administer it.
    private func scope(of caller: Caller, administering account: AccountID) async throws(Status) -> TenantScope {
        guard case .portalUser(let user, _, _) = caller.role else { return try caller.requireTenant() }
        let scope = try caller.requireAccess(to: user)
        guard let subject = try await scope.facts.users.subject(user, .current), subject.account == account,
            subject.user.isAdmin, subject.user.inactivity == nil
        else {
            // Whether there is such an account is not said.
            throw .notAllowed("a tenant's API key, or the portal token of an administrator of the account")
        }
        return scope
    }
}

extension ChoiceReader {
    /// The same as defaults of an account: what is to stand where.
    fileprivate var defaults: [DefaultChange] {
        changes.map { change in
            DefaultChange(
                DefaultPlace(change.scope, .channel(change.channel)),
                change.isOn.map { DefaultChoice(change.scope, .isOn($0, change.channel)) })
        }
            + cadences.map { change in
                DefaultChange(
                    DefaultPlace(change.scope, .cadence),
                    change.cadence.map { DefaultChoice(change.scope, .cadence($0)) })
            }
    }
}
