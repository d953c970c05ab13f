internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage
internal import SwiftProtobuf

/// Decides about an event and stores it: one that a portal publishes, or one of our own that follows from something else.
struct Publishing {
    /// How often it is decided anew when the facts that were decided on have changed meanwhile.
    private static let tries = 5
    /// How long may be waited for a month to be made where no call waits.
    private static let patience = Duration.seconds(20)

    let core: ServiceCore
    /// The loop that this runs on.
    let state: LoopState
    /// The tenant there.
    let scope: TenantScope
    /// Who publishes.
    let actor: String
    /// The call that waits; nil where none does.
    let context: CallContext?

    /// For a call.
    init(core: ServiceCore, in scope: TenantScope, by actor: String, _ context: CallContext) {
        self.init(core: core, on: core[context], in: scope, by: actor, context)
    }

    /// For a call, or for what comes behind one.
    init(
        core: ServiceCore, on state: LoopState, in scope: TenantScope, by actor: String, _ context: CallContext? = nil
    ) {
        (self.core, self.state, self.scope, self.actor, self.context) = (core, state, scope, actor, context)
    }

    /// Publishes an event.
    ///
    /// - Parameter draft: the event, checked.
    /// - Returns: what was decided, or the answer to an earlier call with the same idempotency key.
    /// - Throws: what Publish answers with.
    func publish(_ draft: PublishDraft) async throws(Status) -> Carillon_V1_PublishResponse {
        let response = try await publish(about: draft.account) { _ in draft }
        guard let response else { throw Status(.internalError, .internalError, "there is no event") }
        return response
    }

    /// Publishes an event that depends on facts.
    ///
    /// - Parameters:
    ///   - account: the account that it is about.
    ///   - draft: makes it of the facts that it is decided on; nil when they leave nothing to tell.
    /// - Returns: the same; nil when there was nothing to tell.
    func publish(
        about account: AccountID?, _ draft: (EventSides) throws(Status) -> PublishDraft?
    ) async throws(Status) -> Carillon_V1_PublishResponse? {
        var hasMadeRoom = false
        for _ in 0..<Self.tries {
            let sides = try await scope.facts.sides.sides(of: account, .any)
            guard let draft = try draft(sides) else { return nil }
            guard let plan = try plan(for: draft, on: sides) else {
                scope.facts.sides.forget(account)
                scope.facts.sides.forget(nil)
                continue
            }
            switch try await outcome(of: plan.item, &hasMadeRoom) {
            case .stored:
                state.publishCounters.count(plan.item)
                core.inboxesChanged(plan.inboxUsers, of: scope.id)
                if plan.hasWork { core.dependencies.deliverySignal.wake(scope.id) }
                return plan.response
            case .replay(_, let response):
                guard var replay = try? Carillon_V1_PublishResponse(serializedBytes: response) else {
                    throw Status(.internalError, .internalError, "the stored answer cannot be read")
                }
                replay.replayed = true
                return replay
            case .conflict(let event):
                throw Status(
                    .alreadyExists, .idempotencyKeyReused,
                    "the idempotency_key was used for another request; use one key for one event",
                    metadata: ["event_id": event.description])
            case .staleFacts, nil:
                scope.facts.sides.forget(account)
                scope.facts.sides.forget(nil)
            case .rejected(let error):
                throw Status(error)
            }
        }
        throw Status(
            .aborted, .concurrentChange, "accounts and choices change faster than they can be read; try again",
            retryAfter: .milliseconds(200))
    }

    /// What the event comes to; nil when somebody whom it names is not in facts that are not fresh, and may have come since.
    private func plan(for draft: PublishDraft, on sides: EventSides) throws(Status) -> PublishPlan? {
        do throws(Status) {
            return try PublishPlan(draft, on: sides, of: scope, by: actor, core.dependencies, now: core.now)
        } catch {
            guard error.code == .notFound, sides.isOld else { throw error }
            return nil
        }
    }

    /// Stores an event; nil means that it has to be tried again, because the month had no room and has now.
    private func outcome(
        of item: PublishItem, _ hasMadeRoom: inout Bool
    ) async throws(Status) -> PublishOutcome? {
        do throws(PublishFailure) {
            return try await scope.publisher.publish(item)
        } catch {
            switch error {
            case .tooManyWaiting: throw context?.refuse(.tooMuchWaiting) ?? CallRefusal.tooMuchWaiting.status
            case .storage(let error):
                guard error.code == .monthMissing else { throw Status(error) }
                let isFirst = !hasMadeRoom
                hasMadeRoom = true
                if isFirst, try await makeRoom() { return nil }
                if core.owner == nil { state.missesMonths(scope.id) }
                throw Status(error)
            }
        }
    }

    /// How long an answer may be on its way to the caller.
    private static let answerTime = Duration.milliseconds(200)

    /// How long after a tenant was made its first months may be under way.
    private static let newTenantAge = Duration.seconds(5)

    /// A tenant that was quiet for months has no partition for this one; the first event makes it. Where there is no owner's login,
    /// a new tenant's are waited for: the process that has made it is at them.
    ///
    /// - Returns: whether there may be room now.
    private func makeRoom() async throws(Status) -> Bool {
        guard let owner = core.owner else {
            guard scope.record.createdAt.duration(to: core.now) < Self.newTenantAge else { return false }
            return (try? await state.loop.sleep(for: core.dependencies.limits.newTenantWait)) != nil
        }
        // The caller is told to come again before it hangs up.
        let end = context?.deadline ?? state.loop.now.advanced(by: Self.patience)
        let deadline = end == .distantFuture ? end : end.advanced(by: .zero - Self.answerTime)
        do throws(Status) {
            try await owner.ensureMonths(of: scope.id, now: core.now, until: deadline)
            return true
        } catch {
            guard error.code != .deadlineExceeded else { return false }
            core.dependencies.monthMissing(scope.id)
            throw error
        }
    }
}
