internal import CarillonGRPC

/// What one tenant does in this process, counted over all loops: the calls that are running and the rates of what comes. They
/// are apart so that none can take the others' places: a portal with many open inboxes still publishes, and a browser that goes
/// wild does not stop the supplier's own programs.
///
/// They hold counts alone. How much is allowed, each loop knows from ``TenantTerms``.
final class TenantGates: Sendable {
    /// Calls with the tenant's API keys (``ServiceLimits/callsPerTenant``).
    let keyCalls: CallGate
    /// Calls of its portal's users (``ServiceLimits/callsPerTenant``).
    let portalCalls: CallGate
    /// Open streams, of its users' inboxes and of checks (``ServiceLimits/streamsPerTenant``).
    let streams: CallGate
    /// How often its API keys call (``ServiceLimits/callRate``).
    let keyRate = RateMeter()
    /// How often its portal's users call or open a stream (``ServiceLimits/callRate``).
    let portalRate = RateMeter()
    /// How many events it publishes (``ServiceLimits/eventRate``).
    let eventRate = RateMeter()
    /// How often each user's choices are changed (``ServiceLimits/preferenceUpdates``).
    let preferenceRates = UserMeters()
    /// How often each user's addresses are asked about (``ServiceLimits/confirmationMails``).
    let confirmationRates = UserMeters()

    init(keyCalls: CallGate, portalCalls: CallGate, streams: CallGate) {
        self.keyCalls = keyCalls
        self.portalCalls = portalCalls
        self.streams = streams
    }
}
