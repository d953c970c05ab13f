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
    /// Users whose inboxes get an item, of this event or of one that it raises.
    let inboxUsers: [UserID]
    /// Whether there is something for the workers to do, now or later.
    let hasWork: Bool

    /// Decides about everybody whom the event may concern, and writes it down.
    init(
        _ draft: PublishDraft, on sides: EventSides, of scope: TenantScope, by actor: String,
        _ dependencies: ServiceDependencies, now: Instant
    ) throws(Status) {
        for user in draft.addressees where sides.user(user) == nil {
            throw draft.account == nil ? .supplierUserNotFound(user) : .userNotFound(user)
        }
        let event = EventFacts(
            type: draft.type, actor: draft.actor, addressedUsers: draft.addressees,
            assignedReps: sides.account?.snapshot.record?.assignedUsers ?? [],
            isObjectSuppressed: draft.isObjectSuppressed, notBefore: draft.notBefore,
            destination: draft.destination.map { _ in EventFacts.Destination(on: .email, .usable) })
        let decisions = resolve(
            event: event, account: sides.account?.snapshot.directory, supplier: sides.supplier.snapshot.directory,
            settings: sides.settings, now: now)
        let limit = dependencies.limits.recipientsPerEvent
        guard decisions.count <= limit else { throw .tooManyRecipients(limit: limit) }

        let eventID = EventID(dependencies.makeID(at: now))
        var response = Carillon_V1_PublishResponse()
        response.eventID = eventID.description
        var notifications: [NewNotification] = []
        let maker = NotificationMaker(
            type: draft.type, context: draft.context, sourceEvent: draft.sourceEvent, destination: draft.destination,
            sides: sides, tenant: scope.record, now: now)
        for decision in decisions {
            let id = NotificationID(dependencies.makeID(at: now))
            notifications.append(try maker.notification(id, decision))
            response.recipients.append(
                Carillon_V1_RecipientDecision(decision, notification: id, channels: draft.type.channels))
        }
        self.response = response
        let raised = try Self.raised(by: decisions, of: draft, on: sides, of: scope, by: actor, dependencies, now: now)
        let all = notifications + raised.flatMap(\.notifications)
        inboxUsers = Array(Set(all.compactMap(\.inboxUser)))
        hasWork = all.contains { $0.deliveries.contains { $0.isWork } }
        let stored: [UInt8]
        do {
            stored = try response.serializedBytes()
        } catch {
            throw Status(.internalError, .internalError, "the answer cannot be serialized")
        }
        item = PublishItem(
            idempotencyKey: draft.idempotencyKey, bodyHash: draft.bodyHash,
            // By its key an event can be called off until a day after its time; what waits for its readers longer, by its id.
            keyExpiresAt: (draft.notBefore ?? now).advanced(by: dependencies.limits.idempotencyAge), pins: sides.pins,
            event: try Self.event(eventID, draft, of: scope, by: actor, dependencies), notifications: notifications,
            raised: raised, response: stored)
    }

    /// What follows from an event that somebody of an account had to hear of and nobody could: the supplier's people hear
    /// that. The answer tells of the event itself only.
    private static func raised(
        by decisions: [RecipientDecision], of draft: PublishDraft, on sides: EventSides, of scope: TenantScope,
        by actor: String, _ dependencies: ServiceDependencies, now: Instant
    ) throws(Status) -> [RaisedEvent] {
        guard
            let unreachable = UnreachableContact(
                decisions, about: draft.type, addressed: draft.addressees, on: sides)
        else { return [] }
        let facts = EventFacts(
            type: unreachable.type, assignedReps: sides.account?.snapshot.record?.assignedUsers ?? [])
        let maker = NotificationMaker(
            type: unreachable.type, context: unreachable.context, sourceEvent: draft.sourceEvent, sides: sides,
            tenant: scope.record, now: now)
        var notifications: [NewNotification] = []
        for decision in resolve(
            event: facts, account: sides.account?.snapshot.directory, supplier: sides.supplier.snapshot.directory,
            settings: sides.settings,
            now: now)
        {
            notifications.append(try maker.notification(NotificationID(dependencies.makeID(at: now)), decision))
        }
        let event = NewEvent(
            id: EventID(dependencies.makeID(at: now)), type: unreachable.type.key, account: unreachable.account,
            object: draft.object, sourceEvent: draft.sourceEvent, context: unreachable.entries,
            publishedBy: actor, occurredAt: now)
        return [RaisedEvent(event: event, notifications: notifications)]
    }

    private static func event(
        _ id: EventID, _ draft: PublishDraft, of scope: TenantScope, by actor: String,
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
        if let destination = draft.destination {
            secret.append(ContextEntry(EventRecord.destinationName, .text(destination)))
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
            context: open, sealedContext: sealed, publishedBy: actor, occurredAt: draft.occurredAt,
            notBefore: draft.notBefore)
    }
}

extension NewNotification {
    /// The user whose inbox gets an item.
    fileprivate var inboxUser: UserID? {
        guard inboxItem != nil, case .user(let id) = recipient else { return nil }
        return id
    }
}

extension NewDelivery {
    /// Whether the workers have something to do.
    fileprivate var isWork: Bool {
        if isDone { return false }
        switch decision.verdict {
        case .deliver, .defer, .digest: return true
        case .suppress: return false
        }
    }
}
