internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage
internal import SwiftProtobuf

// Addresses that users add: the questions whether they are theirs, and the answers.

extension PreferenceServer {
    /// The user before a change of addresses; nil where none changes.
    func recordBefore(
        _ draft: PersonalSettingsDraft, of user: UserID, _ scope: TenantScope
    ) async throws(Status) -> UserRecord? {
        guard draft.change.contactPoints != nil else { return nil }
        guard let record = try await scope.facts.users.read(user)?.record else { throw .userNotFound(user) }
        return record
    }

    func sendConfirmation(
        _ request: Carillon_V1_SendConfirmationRequest, _ context: CallContext
    ) async throws -> Carillon_V1_SendConfirmationResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        check.email(request.address, "address", isRequired: true)
        try check.check()
        guard let user = id else { throw Status.unauthenticated }
        let scope = try caller.requireAccess(to: user)
        guard let record = try await scope.facts.users.read(user)?.record else { throw Status.userNotFound(user) }
        let desk = ConfirmationDesk(core: core, scope: scope, caller: caller, context: context)
        var response = Carillon_V1_SendConfirmationResponse()
        response.expireTime = Google_Protobuf_Timestamp(try await desk.askAgain(record, request.address))
        return response
    }

    func confirmContactPoint(
        _ request: Carillon_V1_ConfirmContactPointRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ConfirmContactPointResponse {
        let caller = try await core.caller(context)
        var check = FieldCheck()
        check.line(request.token, "token", limit: ConfirmationPage.tokenLimit, isRequired: true)
        try check.check()
        let confirming = Confirming(core: core)
        // Whose else a token may be is not said.
        let unknown = Status(
            .notFound, .confirmationTokenUnknown,
            "the token is none of this tenant's or this user's, or its address is no longer one of the user's")
        let scope: TenantScope
        switch caller.role {
        case .portalUser(let user, _, _): scope = try caller.requireAccess(to: user)
        default: scope = try caller.requireTenant()
        }
        guard let token = try confirming.token(request.token, of: scope),
            (try? caller.requireAccess(to: token.user)) != nil
        else { throw unknown }
        guard token.expiry > core.now else {
            throw Status(
                .failedPrecondition, .confirmationExpired,
                "the link is no longer good; ask for another by SendConfirmation")
        }
        guard
            let point = try await confirming.confirm(
                token, in: scope, origin: CallOrigin.text(of: context), on: context.loop, until: context.deadline)
        else { throw unknown }
        var response = Carillon_V1_ConfirmContactPointResponse()
        response.userID = token.user.rawValue
        response.contactPoint = Carillon_V1_ContactPoint(point)
        return response
    }
}

extension PersonalSettingsDraft {
    /// The addresses of the change that its user has not got yet.
    func addresses(besides user: UserRecord) -> [Address] {
        let known = Set(user.contactPoints.map { Address($0.channel, $0.address) })
        return (change.contactPoints ?? []).filter { !known.contains($0) }
    }
}
