internal import CarillonGRPC
internal import Domain
internal import Storage
internal import Synchronization

/// The gates of all tenants that have called this process, and the terms by which they are entered. A loop asks once for each
/// tenant, when it makes what it keeps of it (``TenantScope``), so the lock is on the way of no call. Any thread.
///
/// None is forgotten while there is its tenant, so that there is exactly one set for each; they are as many as the registry has
/// tenants.
final class TenantGateTable: Sendable {
    private let limits: ServiceLimits
    private let calls: CallGate.Terms
    private let octets: CallGate.OctetTerms
    /// The terms of those who have no limits of their own.
    private let usual: TenantTerms
    private let gates = Mutex<[TenantID: TenantGates]>([:])

    init(limits: ServiceLimits) {
        self.limits = limits
        calls = CallGate.Terms(limit: limits.callsPerTenant, refusal: .tooManyCalls(limit: limits.callsPerTenant))
        octets = CallGate.OctetTerms(
            limit: limits.octetsPerTenant, refusal: .tooManyOctets(limit: limits.octetsPerTenant))
        usual = TenantTerms(TenantLimits(), usual: limits)
    }

    /// The gates of a tenant that the registry knows.
    subscript(tenant: TenantID) -> TenantGates {
        gates.withLock { gates in
            if let known = gates[tenant] { return known }
            let made = TenantGates(
                keyCalls: CallGate(calls, octets: octets), portalCalls: CallGate(calls, octets: octets),
                streams: CallGate(usual.streams))
            gates[tenant] = made
            return made
        }
    }

    /// How many tenants there are gates of.
    var count: Int { gates.withLock { $0.count } }

    /// Lets go of the gates of a tenant that was erased.
    func remove(_ tenant: TenantID) { gates.withLock { $0[tenant] = nil } }

    /// The terms of a tenant with these limits of its own.
    func terms(_ own: TenantLimits) -> TenantTerms {
        own == TenantLimits() ? usual : TenantTerms(own, usual: limits)
    }
}
