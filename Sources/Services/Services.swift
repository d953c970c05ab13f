internal import CarillonAPI
package import CarillonGRPC

/// All services of a process: the rows of the server's method table, and what the process says of its state.
///
/// Made once, after the pools and before the server; any thread.
package final class Services: Sendable {
    private let core: ServiceCore
    /// The rows of the method table.
    package let methods: [RPCMethod]

    /// Puts the services together.
    ///
    /// - Parameter dependencies: what they work with. The loops of its pools are those that the server runs on.
    package init(_ dependencies: ServiceDependencies) {
        let core = ServiceCore(dependencies)
        self.core = core
        let names = [
            "carillon.v1.TenantService", "carillon.v1.AccountService", "carillon.v1.CatalogService",
            "carillon.v1.PreferenceService", "carillon.v1.DeliveryService", "carillon.v1.ChannelService",
            "carillon.v1.InboxService", "grpc.health.v1.Health",
        ]
        methods =
            TenantServer(core: core).rpcMethods + AccountServer(core: core).rpcMethods
            + CatalogServer(core: core).rpcMethods + PreferenceServer(core: core).rpcMethods
            + DeliveryServer(core: core).rpcMethods + ChannelServer(core: core).rpcMethods
            + InboxServer(core: core).rpcMethods + HealthServer(core: core, services: Set(names)).rpcMethods
    }

    /// Whether calls can be answered: the database is reached and the end has not begun. On a serving loop it is that
    /// loop's own answer, elsewhere only the latter. For `/readyz`.
    package var isReady: Bool { core.isReady }

    /// Says that the process is about to end: health turns to NOT_SERVING, and streams that would not end by themselves
    /// are ended with UNAVAILABLE. Calls are still answered. To be followed by the server's own drain.
    package func beginDrain() async {
        await core.beginDrain()
    }
}
