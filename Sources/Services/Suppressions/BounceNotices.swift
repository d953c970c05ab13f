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
    /// How often an event is decided anew when the facts that it was decided on have changed meanwhile.
    private static let tries = 5
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
            await publish(draft, in: scope, by: actor)
        }
    }

    private func publish(_ draft: PublishDraft, in scope: TenantScope, by actor: String) async {
        for _ in 0..<Self.tries {
            guard let sides = try? await scope.facts.sides.sides(of: draft.account, .any),
                let plan = try? PublishPlan(
                    draft, on: sides, of: scope, by: actor, core.dependencies, now: core.now),
                let outcome = try? await scope.publisher.publish(plan.item)
            else { return }
            switch outcome {
            case .staleFacts:
                scope.facts.sides.forget(draft.account)
                scope.facts.sides.forget(nil)
            case .stored:
                core.inboxesChanged(plan.inboxUsers, of: scope.id)
                if plan.hasWork { core.dependencies.deliverySignal.wake(scope.id) }
                return
            case .replay, .conflict, .rejected: return
            }
        }
    }
}
