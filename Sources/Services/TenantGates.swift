internal import CarillonGRPC

/// The bounds of what one tenant may have running at once in this process, over all loops. They are apart so that none of the
/// three can take the others' places: a portal with many open inboxes still publishes, and a browser that goes wild does not
/// stop the supplier's own programs.
final class TenantGates: Sendable {
    /// Calls with the tenant's API keys (``ServiceLimits/callsPerTenant``).
    let keyCalls: CallGate
    /// Calls of its portal's users (``ServiceLimits/callsPerTenant``).
    let portalCalls: CallGate
    /// Open WatchInbox streams of its portal's users (``ServiceLimits/streamsPerTenant``).
    let streams: CallGate

    init(keyCalls: CallGate, portalCalls: CallGate, streams: CallGate) {
        self.keyCalls = keyCalls
        self.portalCalls = portalCalls
        self.streams = streams
    }
}
