internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

// Choices of many users, in from another system and out.

extension PreferenceServer {
    /// Rows of an import that are stored at once.
    private static let rowsAtOnce = 32
    /// Users of an export that are read at once.
    private static let pageSize = 200

    func importPreferences(
        _ requests: RequestReader<Carillon_V1_ImportPreferencesRequest>,
        _ responses: ResponseWriter<Carillon_V1_ImportPreferencesResponse>, _ context: CallContext
    ) async throws {
        try await core.withStream(context) {
            responses.sendHeaders()
            try await withThrowingTaskGroup(of: Void.self) { storing in
                var count = 0
                for try await request in requests {
                    // The credential may have run out, or the tenant been suspended, since the last one.
                    let (scope, caller) = try await core.goingOn(context)
                    if count == Self.rowsAtOnce {
                        try await storing.next()
                    } else {
                        count += 1
                    }
                    storing.addTask(executorPreference: context.loop) {
                        var response = Carillon_V1_ImportPreferencesResponse()
                        response.number = request.number
                        do throws(Status) {
                            try await store(request, by: caller, scope, context)
                        } catch {
                            response.error = Carillon_V1_ItemError(error)
                        }
                        try await responses.send(response)
                    }
                }
                try await storing.waitForAll()
            }
        }
    }

    private func store(
        _ row: Carillon_V1_ImportPreferencesRequest, by caller: Caller, _ scope: TenantScope, _ context: CallContext
    ) async throws(Status) {
        try scope.admitCheck(at: context.loop.now)
        var check = FieldCheck()
        let id = check.identifier(row.userID, "user_id", as: UserID.self)
        let draft = PersonalSettingsDraft(row.settings, zones: core.zones, now: core.now, &check)
        if !row.settings.contactPoints.isEmpty {
            check.add(
                "settings.contact_points",
                "cannot be imported: addresses that are known to be the user's come by UpsertUser")
        }
        try check.check()
        guard let user = id else { throw .unauthenticated }
        guard let subject = try await scope.facts.users.subject(user, .any) else { throw .userNotFound(user) }
        let choices = try ChoiceReader(row.choices, in: .init(of: subject), isRequired: draft.change.isEmpty)
        if choices.changes.contains(where: { $0.isOn == true }), !scope.hasRoom {
            throw scope.terms.storageFull.status
        }
        _ = try await store(choices, draft, of: user, expecting: nil, by: caller, scope, context)
    }

    func exportPreferences(
        _ request: Carillon_V1_ExportPreferencesRequest,
        _ responses: ResponseWriter<Carillon_V1_ExportPreferencesResponse>, _ context: CallContext
    ) async throws {
        try await core.withStream(context) {
            var check = FieldCheck()
            var after = check.optionalIdentifier(request.afterUserID, "after_user_id", as: UserID.self)
            try check.check()
            responses.sendHeaders()
            repeat {
                let (scope, _) = try await core.goingOn(context)
                let page = try await stored(until: context.deadline) { [after] () async throws(StorageError) in
                    try await scope.store.speakers(after: after, size: Self.pageSize)
                }
                for speaker in page.elements {
                    var response = Carillon_V1_ExportPreferencesResponse()
                    response.userID = speaker.record.id.rawValue
                    response.choices = ToldChoices.of(speaker.stored)
                    response.settings = Carillon_V1_PersonalSettings(speaker.record)
                    try await responses.send(response)
                }
                after = page.next
            } while after != nil
        }
    }
}
