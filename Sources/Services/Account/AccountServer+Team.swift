internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

// The supplier's team, beside its members.

extension AccountServer {
    func upsertTeam(
        _ request: Carillon_V1_UpsertTeamRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpsertTeamResponse {
        let (scope, caller) = try await core.storingTenant(context)
        let draft = try TeamDraft(request)
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let team = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: scope.id, context) { () async throws(StorageError) in
                try await scope.store.updateTeam(
                    draft.team, fields: draft.fields, expectedRevision: draft.revision, stamp: stamp, now: now)
            }
        }
        await core.factsChanged(of: scope.id, context)
        var response = Carillon_V1_UpsertTeamResponse()
        response.team = Carillon_V1_Team(team)
        return response
    }

    func getTeam(
        _ request: Carillon_V1_GetTeamRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetTeamResponse {
        let (scope, _) = try await core.tenant(context)
        let team = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.team()
        }
        var response = Carillon_V1_GetTeamResponse()
        response.team = Carillon_V1_Team(team)
        return response
    }
}
