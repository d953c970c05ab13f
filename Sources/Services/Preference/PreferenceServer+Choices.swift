internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage
internal import SwiftProtobuf

// What people choose for themselves.

extension PreferenceServer {
    func getPreferences(
        _ request: Carillon_V1_GetPreferencesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetPreferencesResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        if !request.accountID.isEmpty {
            let account = check.accountInsteadOfUser(request.accountID, request.userID)
            if !request.category.isEmpty { check.add("category", "is for users; an account has no page") }
            if request.audience != .unspecified { check.add("audience", "is for users; an account's are customers") }
            try check.check()
            return try await defaults(of: account, caller, context)
        }
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        let category = check.optionalIdentifier(request.category, "category", as: CategoryName.self)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        // The page that a user has just changed must show the change, whichever process took it.
        guard let reading = try await scope.facts.users.read(user) else { throw Status.userNotFound(user) }
        let subject = reading.subject
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.choices(of: user)
        }
        guard let (choices, record) = found else { throw Status.userNotFound(user) }
        let audience = try AudienceChoice.read(request.audience, of: subject, field: "audience")
        let page = PreferencePage(audience: audience, subject: subject, now: core.now)
        var response = Carillon_V1_GetPreferencesResponse()
        response.preferences = page.preferences(of: category)
        response.choices = ToldChoices.of(choices)
        response.etag = Etag.of(choices.revision)
        response.settings = Carillon_V1_PersonalSettings(record)
        response.contactPoints = record.contactPoints.map { Carillon_V1_ContactPoint($0) }
        return response
    }

    func updatePreferences(
        _ request: Carillon_V1_UpdatePreferencesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpdatePreferencesResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        if !request.accountID.isEmpty {
            let account = check.accountInsteadOfUser(request.accountID, request.userID)
            if request.hasSettings || request.hasSettingsMask {
                check.add("settings", "are a user's; an account has choices only")
            }
            try check.check()
            return try await updateDefaults(of: account, request, caller, context)
        }
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        let draft = PersonalSettingsDraft(
            request.settings, mask: request.settingsMask.paths, zones: core.zones, now: core.now, &check)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        // A user's side never changes, so it may be known from long ago.
        guard let subject = try await scope.facts.users.subject(user, .any) else { throw Status.userNotFound(user) }
        let choices = try ChoiceReader(
            request.choices, in: .init(of: subject), isRequired: draft.change.isEmpty)
        // Also those who want to hear less: each change leaves a line in the audit.
        try scope.admitPreferences(of: user, context)
        let before = try await recordBefore(draft, of: user, scope)
        let added = before.map { draft.addresses(besides: $0) } ?? []
        if !added.isEmpty { try scope.requireRoom(context) }
        // Whoever wants to hear less is not refused for want of room, and cannot store much by it: one row for each type and channel.
        if choices.changes.contains(where: { $0.isOn == true }) { try scope.requireRoom(context) }
        let revision = try Etag.revision(request.etag)
        let questions = added.filter { $0.channel == .email }
        try scope.admitConfirmations(of: user, at: questions, context)
        let update: PreferencesUpdate
        do throws(Status) {
            update = try await store(choices, draft, of: user, expecting: revision, by: caller, scope, context)
        } catch {
            scope.giveBackConfirmations(of: user, at: questions)
            throw error
        }
        var unasked: [Carillon_V1_PreferenceNotice] = []
        if let before {
            let desk = ConfirmationDesk(core: core, scope: scope, caller: caller, context: context)
            // Also addresses that were stored before, by a call that got no further.
            unasked = await desk.ask(update.user.record, counted: questions)
            await desk.tellOfChange(from: before, to: update.user.record)
        }

        var response = Carillon_V1_UpdatePreferencesResponse()
        response.choices = ToldChoices.of(update.stored)
        response.etag = Etag.of(update.stored.revision)
        response.settings = Carillon_V1_PersonalSettings(update.user.record)
        if let subject = try await scope.facts.users.subject(user, .any) {
            response.notices = Notices.about(choices.changes, of: subject, now: core.now)
        }
        response.notices += unasked
        return response
    }

    /// How often a change is tried that rests on what was read before, and that others get ahead of.
    private static let tries = 3

    /// Stores what a user changes.
    ///
    /// - Throws: NOT_FOUND; INVALID_ARGUMENT for windows that leave no time; ABORTED for another revision than the expected one;
    ///   UNAVAILABLE.
    func store(
        _ choices: ChoiceReader, _ draft: PersonalSettingsDraft, of user: UserID, expecting revision: Int64?,
        by caller: Caller, _ scope: TenantScope, _ context: CallContext
    ) async throws(Status) -> PreferencesUpdate {
        var personal = draft.change
        personal.cadences = choices.cadences
        var number = 0
        while true {
            number += 1
            var expected = revision
            if draft.changesWindows {
                // Whether windows leave any time depends on those that stay, which nobody may change meanwhile.
                guard let record = try await scope.facts.users.read(user)?.record else { throw .userNotFound(user) }
                try draft.checkWindows(record.times)
                expected = revision ?? record.choicesRevision
            }
            do throws(Status) {
                return try await core.updatePreferences(
                    of: user, choices.changes, personal, expecting: expected, in: scope,
                    stamp: core.stamp(context, caller, at: core.now), on: context.loop, until: context.deadline)
            } catch {
                guard error.code == .aborted, revision == nil, number < Self.tries else { throw error }
            }
        }
    }
}

extension FieldCheck {
    /// The account that a request names instead of a user.
    fileprivate mutating func accountInsteadOfUser(_ account: String, _ user: String) -> AccountID? {
        if !user.isEmpty { add("account_id", "stands instead of a user: send one of them") }
        return identifier(account, "account_id", as: AccountID.self)
    }
}
