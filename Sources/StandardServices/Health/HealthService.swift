internal import CarillonAPI
package import CarillonGRPC
package import CarillonNet

/// grpc.health.v1: whether calls are answered. Needs no credential and tells nothing else.
///
/// What healthy means is its owner's: a closure says it, and nothing of it is kept here. Made once, any thread.
package final class HealthService: Sendable {
    /// The service's full name.
    package static let name = "grpc.health.v1.Health"
    /// The name that says whether the process turns.
    package static let liveness = "liveness"
    /// The name that says the same as the empty one.
    package static let readiness = "readiness"

    /// All names, in order.
    let names: [String]
    let limits: StandardServiceLimits
    private let known: Set<String>
    private let desks: PerLoop<WatchDesk>
    private let isServing: @Sendable () -> Bool

    /// Puts the service together.
    ///
    /// - Parameters:
    ///   - loops: those that the server runs on.
    ///   - services: full names of the services that it tells of, its own not needed.
    ///   - isServing: whether calls are answered; called on the loops, and must not wait.
    package init(
        loops: [EventLoop], services: [String], limits: StandardServiceLimits = .init(),
        isServing: @escaping @Sendable () -> Bool
    ) {
        known = Set(services).union(["", Self.liveness, Self.readiness, Self.name])
        names = known.sorted()
        self.limits = limits
        self.isServing = isServing
        let count = OpenStreamCount(limit: limits.watches)
        desks = PerLoop(loops) { loop in
            WatchDesk(loop: loop, streams: OpenStreams(total: count, perConnection: limits.watchesPerConnection))
        }
    }

    /// The rows of the server's method table.
    package var methods: [RPCMethod] { HealthServer(service: self).rpcMethods }

    /// Tells the watches that the answer of `isServing` may have changed. Any thread.
    package func changed() {
        for (loop, desk) in desks.all { loop.execute { desk.wakeAll() } }
    }

    /// Tells every watch the state that there is now, and ends it with UNAVAILABLE; later watches end as soon as they were
    /// told. Check and List go on. Returns when every loop knows.
    package func beginDrain() async {
        for (loop, desk) in desks.all { await loop.run { desk.end() } }
    }

    /// How a name stands; nil when there is none such. Any thread.
    func status(of name: String) -> Grpc_Health_V1_HealthCheckResponse.ServingStatus? {
        guard known.contains(name) else { return nil }
        return name == Self.liveness || isServing() ? .serving : .notServing
    }

    /// The desk of the loop that a call runs on.
    func desk(of context: CallContext) -> WatchDesk { desks[context.loop] }
}
