internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// AccountService: customer accounts and everybody's users, as the portal tells of them.
struct AccountServer: AccountServiceHandler {
    let core: ServiceCore

    func upsertAccount(
        _ request: Carillon_V1_UpsertAccountRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpsertAccountResponse {
        let (scope, caller) = try await core.storingTenant(context)
        let draft = try AccountDraft(request)
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let upserted = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: scope.id, context) { () async throws(StorageError) in
                try await scope.store.upsertAccount(
                    draft.account, fields: draft.fields, expectedRevision: draft.revision, stamp: stamp, now: now)
            }
        }
        await core.factsChanged(of: scope.id, context)
        var response = Carillon_V1_UpsertAccountResponse()
        response.account = Carillon_V1_Account(upserted.record)
        response.created = upserted.created
        return response
    }

    func getAccount(
        _ request: Carillon_V1_GetAccountRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetAccountResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        let id = check.identifier(request.accountID, "account_id", as: AccountID.self)
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.account(id)
        }
        guard let record = found else { throw Status.accountNotFound(id) }
        var response = Carillon_V1_GetAccountResponse()
        response.account = Carillon_V1_Account(record)
        return response
    }

    func upsertUser(
        _ request: Carillon_V1_UpsertUserRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpsertUserResponse {
        let (scope, caller) = try await core.storingTenant(context)
        let draft = try UserDraft(request, zones: core.zones)
        let upserted = try await upsert(draft, in: scope, caller, context)
        await core.factsChanged(of: scope.id, context)
        var response = Carillon_V1_UpsertUserResponse()
        response.user = Carillon_V1_User(upserted.record)
        response.created = upserted.created
        response.notices = try await duty(of: upserted.record, in: scope, context)
        return response
    }

    /// Who hears instead of a default user who cannot be reached any more.
    private func duty(
        of user: UserRecord, in scope: TenantScope, _ context: CallContext
    ) async throws(Status) -> [Carillon_V1_DutyNotice] {
        // Most users can be reached, or are nobody's default user: then nothing is to be said, and little was asked.
        let canBeReached =
            (user.status == .active || user.status == .invited) && user.contactPoint(on: .email)?.state == .usable
        guard !canBeReached, let account = user.account else { return [] }
        let record = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.account(account)
        }
        guard record?.defaultUser == user.id, let subject = try await scope.facts.users.read(user.id)?.subject else {
            return []
        }
        return DutyNotice.about(subject).map { Carillon_V1_DutyNotice($0) }
    }

    private func upsert(
        _ draft: UserDraft, in scope: TenantScope, _ caller: Caller, _ context: CallContext
    ) async throws(Status) -> Upserted<UserRecord> {
        var draft = draft
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        // A change of one address alone is the only one that has to know the other one first.
        for _ in 0..<3 {
            if draft.needsStoredAddresses {
                let users = try await stored(until: context.deadline) { [draft] () async throws(StorageError) in
                    try await scope.store.users([draft.user.id])
                }
                draft.complete(from: users[draft.user.id])
            }
            do throws(StorageError) {
                return try await CallDeadline.within(context.deadline) { [draft] () async throws(StorageError) in
                    try await core.changingFacts(of: scope.id, context) { () async throws(StorageError) in
                        try await scope.store.upsertUser(
                            draft.user, fields: draft.fields, expectedRevision: draft.expectedRevision,
                            keepsAccount: true, stamp: stamp, now: now)
                    }
                }
            } catch {
                guard error.code == .revisionMismatch else {
                    throw Status(error, missing: draft.user.account.map { .accountNotFound($0) })
                }
                try await explainMismatch(draft, in: scope, context)
            }
        }
        throw Status(.aborted, .concurrentChange, "the user changes too fast; try again", retryAfter: .milliseconds(50))
    }

    /// Says why a write was refused; returns when only our own reading of the addresses was overtaken.
    private func explainMismatch(
        _ draft: UserDraft, in scope: TenantScope, _ context: CallContext
    ) async throws(Status) {
        let users = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.users([draft.user.id])
        }
        if let user = users[draft.user.id], user.account != draft.user.account {
            throw Status(
                .failedPrecondition, .accountImmutable,
                "the user belongs to another account, and a user's account never changes")
        }
        guard draft.revision == nil else {
            throw Status(.aborted, .etagMismatch, "the etag is not the stored one: it was changed since it was read")
        }
    }

    func listUsers(
        _ request: Carillon_V1_ListUsersRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListUsersResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        let account = check.optionalIdentifier(request.accountID, "account_id", as: AccountID.self)
        let size = check.pageSize(request.pageSize)
        let list = ["users", request.accountID]
        let after = PageToken.readID(request.pageToken, of: list, &check, as: UserID.self)
        try check.check()
        let page = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.users(of: account, after: after, size: size)
        }
        if page.elements.isEmpty, let account {
            // An account without users is an empty list; one that does not exist is an error.
            let found = try await stored(until: context.deadline) { () async throws(StorageError) in
                try await scope.store.account(account)
            }
            if found == nil { throw Status.accountNotFound(account) }
        }
        var response = Carillon_V1_ListUsersResponse()
        response.users = page.elements.map { Carillon_V1_User($0) }
        response.nextPageToken = PageToken.make(page.next?.rawValue, of: list)
        return response
    }

    func setDefaultUser(
        _ request: Carillon_V1_SetDefaultUserRequest, _ context: CallContext
    ) async throws -> Carillon_V1_SetDefaultUserResponse {
        let (scope, caller) = try await core.tenant(context)
        var check = FieldCheck()
        let account = check.identifier(request.accountID, "account_id", as: AccountID.self)
        let user = check.optionalIdentifier(request.userID, "user_id", as: UserID.self)
        try check.check()
        guard let account else { throw Status.unauthenticated }
        let revision = try Etag.revision(request.etag)
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let outcome = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: scope.id, context) { () async throws(StorageError) in
                try await scope.store.setDefaultUser(
                    of: account, to: user, expectedRevision: revision, stamp: stamp, now: now)
            }
        }
        switch outcome {
        case .done(let record):
            await core.factsChanged(of: scope.id, context)
            var response = Carillon_V1_SetDefaultUserResponse()
            response.account = Carillon_V1_Account(record)
            return response
        case .noSuchAccount: throw Status.accountNotFound(account)
        case .noSuchUser:
            throw Status(
                .notFound, .userNotFound, "the account has no such user who is not disabled",
                metadata: user.map { ["user_id": $0.rawValue] } ?? [:])
        }
    }
}
