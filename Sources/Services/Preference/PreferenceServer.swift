internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// PreferenceService: whether somebody is to be told, and what people choose.
struct PreferenceServer: PreferenceServiceHandler {
    let core: ServiceCore

    // MARK: Checks

    /// Answers from memory: no task, no database. What is not known, or too old, is left to the asynchronous method, and so
    /// is everything that is wrong with the request.
    func checkPreferenceInline(
        _ request: Carillon_V1_CheckPreferenceRequest, _ context: CallContext
    ) throws -> Carillon_V1_CheckPreferenceResponse? {
        guard let caller = try core.knownCaller(context), let user = UserID(request.userID),
            let type = TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] })
        else { return nil }
        let scope = try caller.requireAccess(to: user)
        guard let subject = scope.facts.known(user, .current) else { return nil }
        return try answer(request, user, type, subject)
    }

    func checkPreference(
        _ request: Carillon_V1_CheckPreferenceRequest, _ context: CallContext
    ) async throws -> Carillon_V1_CheckPreferenceResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        check.line(request.notificationType, "notification_type", limit: 80, isRequired: true)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        guard let type = TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] }) else {
            throw Status.notificationTypeNotFound(request.notificationType)
        }
        guard let subject = try await scope.facts.subject(user, .current) else {
            throw Status.userNotFound(user)
        }
        return try answer(request, user, type, subject)
    }

    private func answer(
        _ request: Carillon_V1_CheckPreferenceRequest, _ user: UserID, _ type: NotificationType, _ subject: Subject
    ) throws(Status) -> Carillon_V1_CheckPreferenceResponse {
        let audience = try AudienceChoice.read(request.audience, of: subject, field: "audience")
        let decision = subject.decide(user, type, as: audience, now: core.now)
        var response = Carillon_V1_CheckPreferenceResponse()
        if request.channel == .unspecified {
            response.channels.reserveCapacity(type.channels.count)
            for channel in type.channels {
                guard let decided = decision.channels[channel] else { continue }
                response.channels.append(Carillon_V1_ChannelVerdict(channel, decided))
            }
            return response
        }
        guard let channel = Channel(request.channel) else {
            var check = FieldCheck()
            check.add("channel", "is not a known channel", reason: "UNKNOWN")
            try check.check()
            return response
        }
        // A channel that the type does not use carries nothing of it.
        let decided = decision.channels[channel] ?? .suppressed(.channelUnavailable)
        response.channels = [Carillon_V1_ChannelVerdict(channel, decided)]
        return response
    }

    // MARK: Choices

    func getPreferences(
        _ request: Carillon_V1_GetPreferencesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetPreferencesResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        let category = check.optionalIdentifier(request.category, "category", as: CategoryName.self)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        // The page that a user has just changed must show the change, whichever process took it.
        guard let subject = try await scope.facts.subject(user, .read) else { throw Status.userNotFound(user) }
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.choices(of: user)
        }
        guard let choices = found else { throw Status.userNotFound(user) }
        let audience = try AudienceChoice.read(request.audience, of: subject, field: "audience")
        let page = PreferencePage(user: user, audience: audience, subject: subject, now: core.now)
        var response = Carillon_V1_GetPreferencesResponse()
        response.preferences = page.preferences(of: category)
        response.choices = choices.choices.map { Carillon_V1_PreferenceChoice($0) }
        response.etag = Etag.of(choices.revision)
        return response
    }

    func updatePreferences(
        _ request: Carillon_V1_UpdatePreferencesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpdatePreferencesResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        // A user's side never changes, so it may be known from long ago.
        guard let subject = try await scope.facts.subject(user, .any) else {
            throw Status.userNotFound(user)
        }
        let changes = try ChoiceReader.changes(request.choices, of: subject)
        // Also those who want to hear less: each change leaves a line in the audit.
        try scope.admitPreferences(of: user, context)
        // Whoever wants to hear less is not refused for want of room, and cannot store much by it: one row for each type and channel.
        if changes.contains(where: { $0.isOn == true }) { try scope.requireRoom(context) }
        let revision = try Etag.revision(request.etag)
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let tenant = scope.id
        let began = context.loop.now
        let updated = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: tenant, context) { () async throws(StorageError) in
                try await scope.store.updatePreferences(
                    of: user, changes, expectedRevision: revision, stamp: stamp, now: now)
            }
        }
        guard let update = updated else { throw Status.userNotFound(user) }
        await core.onEveryLoop { $0.knownScope(of: tenant)?.facts.replace(update.facts, readAt: began) }
        await core[context].teller.tell(of: tenant)

        var response = Carillon_V1_UpdatePreferencesResponse()
        response.choices = update.stored.choices.map { Carillon_V1_PreferenceChoice($0) }
        response.etag = Etag.of(update.stored.revision)
        if let subject = try await scope.facts.subject(user, .any) {
            response.notices = Notices.about(changes, of: user, subject, now: now)
        }
        return response
    }
}

/// The audience that a request names.
enum AudienceChoice {
    /// The named audience, or the user's own.
    ///
    /// - Throws: INVALID_ARGUMENT for one that the user cannot be considered in.
    static func read(_ sent: Carillon_V1_Audience, of subject: Subject, field: String) throws(Status) -> Audience {
        if sent == .unspecified { return subject.ownAudience }
        var violations = RequestViolations()
        if let audience = Audience(sent) {
            if subject.belongs(to: audience) { return audience }
            violations.add(
                field, "is not one of the user's: users of accounts are customers, those of the supplier internal")
        } else {
            violations.add(field, "is not a known audience", reason: "UNKNOWN")
        }
        try violations.check(.audienceNotAllowed)
        return subject.ownAudience
    }
}
