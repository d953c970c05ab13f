internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Publishes events that follow from something that is done and answered for whatever becomes of them: what cannot be published is left
/// out.
struct EventRaiser {
    /// How often an event is decided anew when the facts that it was decided on have changed meanwhile.
    private static let tries = 5

    let core: ServiceCore

    /// Raises an event.
    ///
    /// - Parameters:
    ///   - draft: the event.
    ///   - scope: the tenant, on the loop that this runs on.
    ///   - actor: who is behind it.
    func raise(_ draft: PublishDraft, in scope: TenantScope, by actor: String) async {
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
