internal import CarillonGRPC
internal import CarillonNet
internal import Domain

extension LoopState {
    /// How often a loop asks the registry for the tenant of a link: for thousands of tenants once a minute.
    private static let questions = Rate(perSecond: 100)

    /// The tenant of a link, as it is known for portal tokens too: what there is not is asked for once a minute. A tenant that is
    /// suspended still obeys.
    ///
    /// - Throws: UNAVAILABLE, also when too many links of tenants that are not known are opened: anybody can make up ids of tenants.
    func pageScope(named tenant: TenantID) async throws(Status) -> TenantScope? {
        guard knownByName(tenant) != nil || pageQuestions.take(of: Self.questions, at: loop.now) else {
            throw Status(.unavailable, "too many links of tenants that are not known are opened")
        }
        return try await scope(named: tenant)
    }
}
