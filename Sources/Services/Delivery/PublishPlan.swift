internal import CarillonAPI
internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Rendering
internal import Security
internal import Storage
internal import SwiftProtobuf

/// What an event comes to, on the facts at hand: what is stored, and what is answered.
struct PublishPlan {
    let item: PublishItem
    let response: Carillon_V1_PublishResponse
    /// Users whose inboxes get an item.
    let inboxUsers: [UserID]
    /// Whether there is something for the workers to do, now or later.
    let hasWork: Bool

    /// Decides about everybody whom the event may concern, and writes it down.
    init(
        _ draft: PublishDraft, on sides: EventSides, of scope: TenantScope, by caller: Caller,
        _ dependencies: ServiceDependencies, now: Instant
    ) throws(Status) {
        for user in draft.addressees where sides.user(user) == nil { throw .userNotFound(user) }
        let event = EventFacts(
            type: draft.type, actor: draft.actor, addressedUsers: draft.addressees,
            assignedReps: sides.account?.snapshot.record?.assignedUsers ?? [],
            isObjectSuppressed: draft.isObjectSuppressed)
        let decisions = resolve(
            event: event, account: sides.account?.account, supplier: sides.supplier.supplier,
            settings: sides.settings, now: now)

        let eventID = EventID(dependencies.makeID(at: now))
        var response = Carillon_V1_PublishResponse()
        response.eventID = eventID.description
        var notifications: [NewNotification] = []
        let maker = NotificationMaker(draft: draft, sides: sides, tenant: scope.record, now: now)
        for decision in decisions {
            let id = NotificationID(dependencies.makeID(at: now))
            notifications.append(try maker.notification(id, decision))
            response.recipients.append(
                Carillon_V1_RecipientDecision(decision, notification: id, channels: draft.type.channels))
        }
        self.response = response
        inboxUsers = notifications.compactMap { notification in
            guard notification.inboxItem != nil, case .user(let id) = notification.recipient else { return nil }
            return id
        }
        hasWork = notifications.contains { $0.deliveries.contains { $0.isWork } }
        let stored: [UInt8]
        do {
            stored = try response.serializedBytes()
        } catch {
            throw Status(.internalError, .internalError, "the answer cannot be serialized")
        }
        item = PublishItem(
            idempotencyKey: draft.idempotencyKey, bodyHash: draft.bodyHash,
            keyExpiresAt: now.advanced(by: dependencies.limits.idempotencyAge), pins: sides.pins,
            event: try Self.event(eventID, draft, of: scope, by: caller, dependencies), notifications: notifications,
            response: stored)
    }

    private static func event(
        _ id: EventID, _ draft: PublishDraft, of scope: TenantScope, by caller: Caller,
        _ dependencies: ServiceDependencies
    ) throws(Status) -> NewEvent {
        var open: [ContextEntry] = []
        var secret: [ContextEntry] = []
        for entry in draft.entries {
            if draft.type.variable(entry.name)?.sensitivity == .secret {
                secret.append(entry)
            } else {
                open.append(entry)
            }
        }
        var sealed: [UInt8]?
        if !secret.isEmpty {
            let key = try scope.dataKey(dependencies.keyring)
            do {
                sealed = try key.seal(Array(secret.json.utf8), for: .eventContext(id.description))
            } catch {
                throw Status(.internalError, .internalError, "the event's secrets cannot be sealed")
            }
        }
        return NewEvent(
            id: id, type: draft.type.key, account: draft.account, actor: draft.actor, addressedUsers: draft.addressees,
            object: draft.object, isObjectSuppressed: draft.isObjectSuppressed, sourceEvent: draft.sourceEvent,
            context: open, sealedContext: sealed, publishedBy: caller.actor, occurredAt: draft.occurredAt)
    }
}

extension NewDelivery {
    /// Whether the workers have something to do.
    fileprivate var isWork: Bool {
        if isDone { return false }
        switch decision.verdict {
        case .deliver, .defer: return true
        case .digest, .suppress: return false
        }
    }
}

extension Instant {
    /// This point moved by a duration, to the microsecond.
    func advanced(by duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        return Instant(microseconds: microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }
}
