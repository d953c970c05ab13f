internal import CarillonGRPC
internal import Domain
internal import Storage

/// Publishes events of our own that come behind something else, on the tenant's loop. What cannot be published is left out.
struct NoticePublisher {
    /// How often an event is decided anew when the facts that it was decided on have changed meanwhile.
    private static let tries = 5

    let core: ServiceCore
    /// The tenant, on the loop that this runs on.
    let scope: TenantScope
    /// Who found out what the event tells of.
    let actor: String

    /// Publishes one event.
    ///
    /// - Parameters:
    ///   - account: the account that it is about.
    ///   - draft: makes it of the facts that it is decided on; nil when they leave nothing to tell.
    func publish(about account: AccountID, _ draft: (EventSides) throws(Status) -> PublishDraft?) async {
        for _ in 0..<Self.tries {
            guard let sides = try? await scope.facts.sides.sides(of: account, .any),
                let draft = try? draft(sides),
                let plan = try? PublishPlan(
                    draft, on: sides, of: scope, by: actor, core.dependencies, now: core.now),
                let outcome = try? await scope.publisher.publish(plan.item)
            else { return }
            switch outcome {
            case .staleFacts:
                scope.facts.sides.forget(account)
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
