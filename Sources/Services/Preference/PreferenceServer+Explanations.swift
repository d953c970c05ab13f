internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

// Why somebody was told or not, and what would be.

extension PreferenceServer {
    func explainDecision(
        _ request: Carillon_V1_ExplainDecisionRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ExplainDecisionResponse {
        let caller = try await core.caller(context)
        switch request.subject {
        case .notificationID(let id): return try await explain(past: id, caller, context)
        case .hypothesis(let hypothesis): return try await explain(hypothesis, caller)
        case nil:
            var check = FieldCheck()
            check.add("subject", "is required: notification_id or hypothesis", reason: "REQUIRED")
            try check.check()
            throw Status.unauthenticated
        }
    }

    private func explain(
        past sent: String, _ caller: Caller, _ context: CallContext
    ) async throws(Status) -> Carillon_V1_ExplainDecisionResponse {
        var check = FieldCheck()
        let id = check.timed(sent, "notification_id", as: NotificationID.self)
        try check.check()
        guard let id else { throw .unauthenticated }
        // A portal user has the own ones, and does not learn of others.
        var reader: UserID?
        if case .portalUser(let user, _, _) = caller.role { reader = user }
        let scope = if let reader { try caller.requireAccess(to: reader) } else { try caller.requireTenant() }
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.notification(id)
        }
        guard let record = found, reader.map({ record.recipient == .user($0) }) ?? true else {
            throw .notificationNotFound(id)
        }
        let decision = RecipientDecision(
            recipient: record.recipient, audience: record.audience, decision: record.decision)
        return Carillon_V1_ExplainDecisionResponse(
            decision, notification: id, channels: record.deliveries.map(\.channel))
    }

    /// How far away the time of a supposed decision may be, in seconds.
    private static let reach: Int64 = 4 * 366 * 86_400

    private func explain(
        _ hypothesis: Carillon_V1_Hypothesis, _ caller: Caller
    ) async throws(Status) -> Carillon_V1_ExplainDecisionResponse {
        var check = FieldCheck()
        let id = check.identifier(hypothesis.userID, "hypothesis.user_id", as: UserID.self)
        check.line(hypothesis.notificationType, "hypothesis.notification_type", limit: 80, isRequired: true)
        var now = core.now
        if hypothesis.hasDecisionTime {
            if let time = Instant(hypothesis.decisionTime), abs(time.seconds - now.seconds) <= Self.reach {
                now = time
            } else {
                // Beyond, nobody knows when clocks change.
                check.add("hypothesis.decision_time", "is more than four years away", reason: "OUT_OF_RANGE")
            }
        }
        try check.check()
        guard let user = id else { throw .unauthenticated }
        let scope = try caller.requireAccess(to: user)
        guard let type = TypeKey(hypothesis.notificationType).flatMap({ Catalog.builtIn[$0] }) else {
            throw .notificationTypeNotFound(hypothesis.notificationType)
        }
        guard let subject = try await scope.facts.users.subject(user, .current) else { throw .userNotFound(user) }
        let audience = try AudienceChoice.read(hypothesis.audience, of: subject, field: "hypothesis.audience")
        let choices = try ChoiceReader(
            hypothesis.choices, in: .init(of: subject), "hypothesis.choices", isRequired: false)
        let decision = subject.supposing { $0.suppose(choices) }.decide(type, as: audience, now: now)
        return Carillon_V1_ExplainDecisionResponse(
            RecipientDecision(recipient: .user(user), audience: audience, decision: decision), notification: nil,
            channels: type.channels)
    }
}

extension Carillon_V1_ExplainDecisionResponse {
    fileprivate init(_ decided: RecipientDecision, notification: NotificationID?, channels: [Channel]) {
        self.init()
        decision = Carillon_V1_RecipientDecision(decided, notification: notification, channels: channels)
        traces = channels.compactMap { channel in
            guard let verdict = decided.decision.channels[channel] else { return nil }
            var trace = Carillon_V1_ChannelTrace()
            trace.channel = Carillon_V1_Channel(channel)
            trace.steps = TraceSteps.of(decided.decision.trace, reason: verdict.reason, on: channel)
            return trace
        }
        explanation = decided.decision.explanation
    }
}

extension UserFacts {
    /// Takes choices for made that were not.
    fileprivate mutating func suppose(_ supposed: ChoiceReader) {
        for change in supposed.changes { choices[change.audience].suppose(change) }
        for change in supposed.cadences {
            choices[change.audience][change.scope].cadence = change.cadence
        }
    }
}

extension Choices {
    fileprivate mutating func suppose(_ change: PreferenceChange) {
        guard let channel = change.channel.map({ ChannelSet($0) }) else {
            self[change.scope].whole = change.isOn
            return
        }
        var choice = self[change.scope]
        choice.channelsOn.subtract(channel)
        choice.channelsOff.subtract(channel)
        if let isOn = change.isOn {
            if isOn { choice.channelsOn.formUnion(channel) } else { choice.channelsOff.formUnion(channel) }
        }
        self[change.scope] = choice
    }
}
