internal import Domain
internal import Postgres

/// Workers' words turned into the columns that the statements unnest.
///
/// The first query locks the rows that the caller still holds; what follows finds the same rows by the same fence, so
/// a stale word changes nothing anywhere.
struct FinishBatch {
    private let results: [DeliveryResult]
    private let fence: Parameter
    private let now: Instant

    init(_ results: [DeliveryResult], fence: Int64, now: Instant) {
        self.results = results
        self.fence = .int8(fence)
        self.now = now
    }

    func queries(_ statements: QueueStatements, _ arrivals: ArrivalStatements) -> [Query] {
        let all = TenantStore.columns(results.map(\.id)) + [fence]
        var queries = [Query(statements.hold, all)]
        if results.contains(where: { $0.attempt != nil }) {
            queries.append(Query(statements.attempts, all + attemptColumns))
        }
        queries += arrivals.queries(for: results, fence: fence, now: now)
        let states = results.map(\.state)
        if states.contains(where: { $0.state != nil }) {
            queries.append(
                Query(
                    statements.states,
                    all + [
                        .optionalTextArray(states.map { $0.state?.rawValue }), .optionalTextArray(states.map(\.reason)),
                        .optionalTimestampArray(results.map { $0.resolution.postponedUntil.map { Timestamp($0) } }),
                        .timestamp(now), .optionalTextArray(results.map(\.digest)),
                    ]))
        }
        let staying = results.filter { !$0.resolution.isTerminal }
        if !staying.isEmpty {
            queries.append(
                Query(
                    statements.requeue,
                    TenantStore.columns(staying.map(\.id)) + [
                        fence,
                        .optionalTimestampArray(staying.map { $0.resolution.dueAt.map { Timestamp($0) } }),
                        .int4Array(staying.map { $0.attempt == nil ? 0 : 1 }),
                        .boolArray(staying.map(\.resolution.isPostponed)),
                        .optionalTextArray(staying.map { $0.resolution.digestOf?.rawValue }),
                    ]))
        }
        let leaving = results.filter(\.resolution.isTerminal)
        if !leaving.isEmpty {
            queries.append(Query(statements.remove, TenantStore.columns(leaving.map(\.id)) + [fence]))
        }
        return queries
    }

    private var attemptColumns: [Parameter] {
        let attempts = results.map(\.attempt)
        return [
            .optionalTextArray(attempts.map { $0?.outcome.rawValue }),
            .optionalTextArray(attempts.map { $0?.provider?.rawValue }),
            .optionalTextArray(attempts.map { $0?.code }),
            .optionalTextArray(attempts.map { $0?.detail }),
            .optionalTextArray(attempts.map { $0?.providerMessageID }),
            .optionalTimestampArray(attempts.map { $0.map { Timestamp($0.startedAt) } }),
            .optionalTimestampArray(attempts.map { $0.map { Timestamp($0.finishedAt) } }),
        ]
    }
}

extension DeliveryResult {
    /// The new state of the delivery and its reason; no state leaves it as it is.
    fileprivate var state: (state: DeliveryState?, reason: String?) {
        let plain = resolution.state
        switch resolution {
        // Without a try it goes on to wait for what it waited for.
        case .retry where attempt == nil: return (nil, nil)
        case .delivered where digest != nil, .outcomeUnknown where digest != nil:
            return (plain.state, Reason.digested.rawValue)
        default:
            return plain
        }
    }
}

extension DeliveryResult.Resolution {
    /// Whether the delivery leaves the queue.
    package var isTerminal: Bool {
        switch self {
        case .retry, .postponed, .released: false
        case .delivered, .failed, .suppressed, .expired, .cancelled, .outcomeUnknown: true
        }
    }

    /// Whether it waits for a time at which its user wants it: the time after which it is not worth sending moves along.
    fileprivate var isPostponed: Bool {
        if case .postponed = self { true } else { false }
    }

    /// When the delivery is due again; nil leaves the time as it is.
    fileprivate var dueAt: Instant? {
        switch self {
        case .retry(let time), .postponed(let time, _): time
        default: nil
        }
    }

    /// The time at which its user wants it; nil leaves what was decided as it is.
    fileprivate var postponedUntil: Instant? {
        if case .postponed(let time, _) = self { time } else { nil }
    }

    /// Whose digest gathers it from now on; nil leaves it as it is.
    fileprivate var digestOf: UserID? {
        if case .postponed(_, let user) = self { user } else { nil }
    }

    /// The new state of the delivery and its reason; no state leaves it as it is.
    fileprivate var state: (state: DeliveryState?, reason: String?) {
        switch self {
        case .delivered: (.delivered, nil)
        case .failed(let reason): (.failed, reason)
        case .suppressed(let reason): (.suppressed, reason.rawValue)
        case .expired: (.expired, nil)
        case .cancelled(let reason): (.cancelled, reason)
        case .outcomeUnknown: (.outcomeUnknown, nil)
        case .postponed(_, .some): (.digesting, nil)
        case .postponed(_, nil): (.deferred, nil)
        case .retry: (.pending, nil)
        case .released: (nil, nil)
        }
    }
}
