internal import CarillonGRPC
internal import Domain
internal import Synchronization

/// The gates of all tenants that have called this process. A loop asks once for each tenant, when it makes what it keeps of it
/// (``TenantScope``), so the lock is on the way of no call. Any thread.
///
/// None is ever forgotten, so that there is exactly one set for each tenant; they are as many as the registry has tenants.
final class TenantGateTable: Sendable {
    private static let callPushback = Duration.seconds(1)
    /// Streams last longer than calls.
    private static let streamPushback = Duration.seconds(5)

    private let calls: Int
    private let streams: Int
    // Made once: those who ask too much must not cost much.
    private let tooManyCalls = Status.tooManyCalls(retryAfter: callPushback)
    private let tooManyStreams = Status.tooManyStreams(retryAfter: streamPushback)
    private let gates = Mutex<[TenantID: TenantGates]>([:])

    init(limits: ServiceLimits) {
        calls = limits.callsPerTenant
        streams = limits.streamsPerTenant
    }

    /// The gates of a tenant that the registry knows.
    subscript(tenant: TenantID) -> TenantGates {
        gates.withLock { gates in
            if let known = gates[tenant] { return known }
            let made = TenantGates(
                keyCalls: CallGate(limit: calls, pushback: Self.callPushback, refusal: tooManyCalls),
                portalCalls: CallGate(limit: calls, pushback: Self.callPushback, refusal: tooManyCalls),
                streams: CallGate(limit: streams, pushback: Self.streamPushback, refusal: tooManyStreams))
            gates[tenant] = made
            return made
        }
    }
}
