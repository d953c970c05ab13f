internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Tells the people of accounts, and of the supplier, of mail addresses that cannot be written to any more.
///
/// It comes behind the suppression, which is committed by then, and is worth less: what cannot be published is left out, and so is what
/// a process that dies has not published yet. The address is listed among the suppressions all the same, and who has to be reached and
/// cannot is told of by each event that meets nobody (``UnreachableContact``).
struct BounceNotices {
    /// The most events that one call, or one word of a worker, raises.
    private static let limit = 100

    let core: ServiceCore

    /// Raises the events, one after the other.
    ///
    /// - Parameters:
    ///   - concerned: accounts with their addresses.
    ///   - scope: the tenant, on the loop that this runs on.
    ///   - actor: who found it out.
    func raise(about concerned: [ConcernedAccount], in scope: TenantScope, by actor: String) async {
        for contact in concerned.compactMap({ BouncedContact($0) }).prefix(Self.limit) {
            guard let draft = try? PublishDraft(contact.request, now: core.now) else { continue }
            await EventRaiser(core: core).raise(draft, in: scope, by: actor)
        }
    }
}
