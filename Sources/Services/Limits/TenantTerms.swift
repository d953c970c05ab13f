internal import CarillonGRPC
internal import Storage

/// What one tenant may use in this process, with the refusals ready that tell it so.
///
/// A class, so that tenants without limits of their own share one. Any thread.
final class TenantTerms: Sendable {
    /// How often its keys may call, and as often its portal's users; nil for any rate.
    let callRate: Rate?
    /// How many events it may publish; nil for any rate.
    let eventRate: Rate?
    /// How often the choices of each of its users may be changed.
    let preferenceRate: Rate
    /// How often addresses of each of its users may be asked about.
    let confirmationRate: Rate
    /// Streams of its portal's users that may be open at once.
    let streams: CallGate.Terms
    /// The length of one request message in octets. What the server takes of anybody is bounded before.
    let messageOctets: Int
    /// From how many stored rows on nothing more is stored; nil for never.
    let storedRows: Int64?
    /// More calls than ``callRate``.
    let tooManyCalls: CallRefusal
    /// More events than ``eventRate``.
    let tooManyEvents: CallRefusal
    /// More changes of one user's choices than ``preferenceRate``.
    let tooManyPreferences: CallRefusal
    /// More questions about one user's addresses than ``confirmationRate``.
    let tooManyConfirmations: CallRefusal
    /// A longer message than ``messageOctets``.
    let messageTooLarge: CallRefusal
    /// More rows than ``storedRows``.
    let storageFull: CallRefusal

    /// The terms of a tenant.
    ///
    /// - Parameters:
    ///   - own: its own limits. Where it has none, or one that lets nothing through, the installation's count.
    ///   - usual: the installation's.
    init(_ own: TenantLimits, usual: ServiceLimits) {
        let calls = Self.limit(own.callsPerSecond, usual.callRate)
        let events = Self.limit(own.eventsPerSecond, usual.eventRate)
        let octets = Self.limit(own.messageOctets, 0)
        let rows = Self.limit(own.storedRows, usual.storedRows)
        let open = Self.limit(own.openStreams, usual.streamsPerTenant) ?? usual.streamsPerTenant
        callRate = calls.map { Rate(perSecond: $0) }
        eventRate = events.map { Rate(perSecond: $0) }
        preferenceRate = Rate(every: usual.preferencePause, burst: usual.preferenceUpdates)
        confirmationRate = Rate(every: usual.confirmationPause, burst: usual.confirmationMails)
        streams = CallGate.Terms(limit: open, refusal: .tooManyStreams(limit: open))
        messageOctets = octets ?? .max
        storedRows = rows.map { Int64($0) }
        tooManyCalls = .callRate(limit: calls ?? 0)
        tooManyEvents = .eventRate(limit: events ?? 0)
        tooManyPreferences = .preferenceRate(limit: usual.preferenceUpdates, pause: usual.preferencePause)
        tooManyConfirmations = .confirmationRate(
            limit: usual.confirmationMails, pause: usual.confirmationPause)
        messageTooLarge = .messageTooLarge(limit: octets ?? 0)
        storageFull = .storageFull(limit: rows ?? 0)
    }

    /// The tenant's own limit, or the installation's; nil for none.
    private static func limit(_ own: (some BinaryInteger)?, _ usual: Int) -> Int? {
        if let own, own > 0 { return Int(own) }
        return usual > 0 ? usual : nil
    }
}
