internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

// Calling off what was published.

extension DeliveryServer {
    func cancelEvent(
        _ request: Carillon_V1_CancelEventRequest, _ context: CallContext
    ) async throws -> Carillon_V1_CancelEventResponse {
        let (scope, _) = try await core.tenant(context)
        let event = try Self.event(request)
        let now = core.now
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.callOff(event, now: now)
        }
        guard let calledOff = found else { throw Status.eventNotFound(event) }
        var response = Carillon_V1_CancelEventResponse()
        response.eventID = calledOff.event.description
        response.cancelledCount = Int32(clamping: calledOff.cancelled)
        response.finishedCount = Int32(clamping: calledOff.finished)
        response.underWayCount = Int32(clamping: calledOff.underWay)
        return response
    }

    /// Which event a request names.
    private static func event(_ request: Carillon_V1_CancelEventRequest) throws(Status) -> EventReference {
        var check = FieldCheck()
        var event: EventReference?
        switch request.event {
        case .eventID(let id): event = check.timed(id, "event_id", as: EventID.self).map { .id($0) }
        case .idempotencyKey(let key):
            PublishDraft.check(key: key, &check)
            event = .key(key)
        case nil: check.add("event", "is required: event_id or idempotency_key", reason: "REQUIRED")
        }
        try check.check()
        guard let event else { throw .unauthenticated }
        return event
    }
}
