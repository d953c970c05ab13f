internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

// What providers tell behind a message.

extension DeliveryServer {
    /// The most events of one call.
    private static let eventsAtOnce = 1_000

    func reportProviderEvents(
        _ request: Carillon_V1_ReportProviderEventsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ReportProviderEventsResponse {
        // Whoever has no room left still obeys, since people ask for it; but not for people that the tenant does not have.
        let (scope, caller) = try await core.tenant(context)
        var check = FieldCheck()
        if request.events.isEmpty { check.add("events", "is required", reason: "REQUIRED") }
        if request.events.count > Self.eventsAtOnce {
            check.add(
                "events", "has \(request.events.count) events; at most \(Self.eventsAtOnce) are taken",
                reason: "TOO_MANY")
        }
        try check.check()
        scope.chargeItems(request.events.count - 1, at: context.loop.now)
        var reports = ProviderReports(request.events, now: core.now)
        let messages = reports.messages
        if !messages.isEmpty {
            reports.resolve(
                try await stored(until: context.deadline) { () async throws(StorageError) in
                    try await scope.store.reportedMessages(messages)
                })
        }
        let outcomes = reports.outcomes
        if !outcomes.isEmpty {
            let now = core.now
            reports.settled(
                try await stored(until: context.deadline) { () async throws(StorageError) in
                    try await scope.store.settleUnknown(outcomes, now: now)
                })
        }
        if !scope.hasRoom {
            let named = reports.addresses
            let known = try await stored(until: context.deadline) { () async throws(StorageError) in
                try await scope.store.knownAddresses(named)
            }
            reports.refuse(allBut: known, with: scope.terms.storageFull.status)
        }
        try await store(&reports, in: scope, by: caller, context)
        var response = Carillon_V1_ReportProviderEventsResponse()
        response.results = reports.results
        return response
    }

    /// Stores what is said of addresses. Each round is a transaction of its own, and most calls have one: what is told again because a
    /// later one failed changes nothing.
    private func store(
        _ reports: inout ProviderReports, in scope: TenantScope, by caller: Caller, _ context: CallContext
    ) async throws(Status) {
        let news = reports.news
        let rounds = AddressRounds(news)
        reports.applied(rounds.first, try await suppress(rounds.first, of: news, in: scope, by: caller, context))
        if !rounds.starts.isEmpty {
            let starts = rounds.starts.compactMap { news[$0] }.map { OwnersStart($0.address, at: $0.at) }
            let stamp = core.stamp(context, caller, at: core.now)
            let restored = try await changing(scope, context) { () async throws(StorageError) in
                try await scope.store.start(starts, stamp: stamp)
            }
            reports.applied(rounds.starts, restored.changed)
        }
        reports.applied(rounds.last, try await suppress(rounds.last, of: news, in: scope, by: caller, context))
    }

    private func suppress(
        _ places: [Int], of news: [AddressNews?], in scope: TenantScope, by caller: Caller, _ context: CallContext
    ) async throws(Status) -> Set<Address> {
        if places.isEmpty { return [] }
        var found: [NewSuppression] = []
        for place in places {
            guard let one = news[place], case .suppressed(let state) = one.word else { continue }
            found.append(NewSuppression(one.address, state, at: one.at))
        }
        let stamp = core.stamp(context, caller, at: core.now)
        let change = try await changing(scope, context) { [found] () async throws(StorageError) in
            try await scope.store.suppress(found, source: .provider, stamp: stamp)
        }
        let publisher = NoticePublisher(core: core, scope: scope, actor: caller.actor)
        await BounceNotices(publisher).raise(about: change.concerned)
        return change.changed
    }

    /// Changes what is known of addresses; it is obeyed before it is answered. What changes nothing that decisions rest on lets nobody
    /// read anew: providers say the same many times over.
    private func changing(
        _ scope: TenantScope, _ context: CallContext, _ body: () async throws(StorageError) -> AddressChange
    ) async throws(Status) -> AddressChange {
        let change = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: scope.id, context, body)
        }
        if change.isFelt { await core.factsChanged(of: scope.id, context) }
        return change
    }
}
