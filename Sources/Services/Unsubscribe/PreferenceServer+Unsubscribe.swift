internal import CarillonAPI
internal import CarillonGRPC
internal import Domain

extension PreferenceServer {
    func redeemUnsubscribe(
        _ request: Carillon_V1_RedeemUnsubscribeRequest, _ context: CallContext
    ) async throws -> Carillon_V1_RedeemUnsubscribeResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        check.line(request.token, "token", limit: UnsubscribePage.tokenLimit, isRequired: true)
        try check.check()
        let unsubscribing = Unsubscribing(core: core)
        guard let offer = try await unsubscribing.offer(request.token, of: scope) else {
            // Whose else it may be is not said.
            throw Status(.notFound, .unsubscribeTokenUnknown, "the token is none of this tenant's, or its user is gone")
        }
        var response = Carillon_V1_RedeemUnsubscribeResponse()
        response.notificationType = offer.type.key.rawValue
        response.displayName = offer.type.title
        if let lock = offer.lock {
            response.reason = lock.reason.rawValue
            response.explanation = lock.reason.text
            return response
        }
        try await unsubscribing.accept(
            offer, origin: CallOrigin.text(of: context), on: context.loop, until: context.deadline)
        response.unsubscribed = true
        return response
    }
}
