internal import CarillonGRPC
internal import CarillonNet
internal import Domain

/// The streams of tenants' programs that are open on one loop, so that they can be ended from outside: when the process is to end,
/// and when a tenant is no longer served. They are as many as the tenants' gates let through.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop; every entry asserts.
final class TenantStreams: @unchecked Sendable {
    private let loop: EventLoop
    private var streams: [ObjectIdentifier: (context: CallContext, tenant: TenantID)] = [:]
    private var isDraining = false

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// Takes note of a stream.
    ///
    /// - Throws: UNAVAILABLE when the process is about to end.
    func open(_ context: CallContext, of tenant: TenantID) throws(Status) {
        loop.assertOnLoop()
        if isDraining { throw .draining }
        streams[ObjectIdentifier(context)] = (context, tenant)
    }

    /// Lets go of a stream that is over.
    func close(_ context: CallContext) {
        loop.assertOnLoop()
        streams[ObjectIdentifier(context)] = nil
    }

    /// Ends the streams of a tenant.
    func end(of tenant: TenantID, _ status: Status) {
        loop.assertOnLoop()
        for stream in streams.values where stream.tenant == tenant { stream.context.fail(status) }
    }

    /// Ends all streams, and those that come.
    func drain() {
        loop.assertOnLoop()
        isDraining = true
        for stream in streams.values { stream.context.fail(.draining) }
    }
}
