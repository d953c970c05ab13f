internal import CarillonAPI
package import CarillonGRPC
package import CarillonNet
package import Domain
package import Storage

/// All services of carillon.v1: the rows of the server's method table.
///
/// Made once, after the pools and before the server; any thread.
package final class Services: Sendable {
    let core: ServiceCore
    private let keeper: CredentialKeeper
    private let factsKeeper: FactsKeeper
    private let noticeDesk: NoticeDesk
    /// The rows of the method table.
    package let methods: [RPCMethod]
    /// Pages that are not for programs.
    package let pages: [CarillonGRPC.Page]

    /// Puts the services together.
    ///
    /// - Parameter dependencies: what they work with. The loops of its pools are those that the server runs on.
    package init(_ dependencies: ServiceDependencies) {
        let core = ServiceCore(dependencies)
        self.core = core
        let rows =
            TenantServer(core: core).rpcMethods + AccountServer(core: core).rpcMethods
            + CatalogServer(core: core).rpcMethods + PreferenceServer(core: core).rpcMethods
            + DeliveryServer(core: core).rpcMethods + ChannelServer(core: core).rpcMethods
            + InboxServer(core: core).rpcMethods
        methods = rows.map { MethodAccess.mark($0) }
        pages = [UnsubscribePage(core: core).page, ConfirmationPage(core: core).page]
        keeper = CredentialKeeper(core: core)
        factsKeeper = FactsKeeper(core: core)
        // There is no server without a loop.
        noticeDesk = NoticeDesk(core: core, on: core.all[0].0)
    }

    /// Keeps what this process knows of credentials in step with the registry, until the task is cancelled: hears of
    /// changes that other processes made, ends streams whose tokens are no longer good, and records when keys were used.
    /// Called once, on one of the pools' loops.
    package func keepCredentials(on loop: EventLoop) async {
        await keeper.run(on: loop)
    }

    /// Hears of what other processes change of accounts, users, choices, settings and providers, until the task is
    /// cancelled. As long as it does, what is known of those that do not change need not be read again. Called once, on one of
    /// the pools' loops.
    package func keepFacts(on loop: EventLoop) async {
        await factsKeeper.run(on: loop)
    }

    /// Tells the supplier's people of addresses that were refused for good. What cannot be told is left out. Any thread.
    package func tell(of concerned: [ConcernedAccount], of tenant: TenantID) {
        noticeDesk.take(.refused(concerned), of: tenant)
    }

    /// Tells the supplier's people of a delivery that was not to be sent because its recipient cannot be told any more, if at least one
    /// had to be told of its event and nobody is. What cannot be told is left out. Any thread.
    package func tell(ofUnreached delivery: DeliveryID, of tenant: TenantID) {
        noticeDesk.take(.unreached(delivery), of: tenant)
    }

    /// Records the last uses of keys. Called on the loop of ``keepCredentials(on:)``, after that has returned and before the
    /// pools are closed.
    package func endKeeping() async {
        await keeper.recordUses(until: .seconds(2))
    }

    /// Says that something came into these inboxes by another way than a call: those who watch them here are told at once.
    /// Others see it when they look next (``ServiceLimits/inboxPoll``). Any thread.
    package func inboxesChanged(_ users: [UserID], of tenant: TenantID) {
        core.inboxesChanged(users, of: tenant)
    }

    /// Says that the process is about to end: streams that would not end by themselves are ended with UNAVAILABLE. Calls are
    /// still answered. To be followed by the server's own drain.
    package func beginDrain() async {
        await core.beginDrain()
    }

    /// Closes what the services have opened by themselves: connections with further databases. Behind the server's drain.
    package func close() async {
        await core.closeDatabases()
    }
}
