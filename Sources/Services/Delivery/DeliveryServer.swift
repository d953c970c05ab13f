internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// DeliveryService: takes events and tells what became of them.
struct DeliveryServer: DeliveryServiceHandler {
    let core: ServiceCore

    func publish(
        _ request: Carillon_V1_PublishRequest, _ context: CallContext
    ) async throws -> Carillon_V1_PublishResponse {
        let (scope, caller) = try await core.publishingTenant(context)
        let draft = try PublishDraft(request, now: core.now)
        return try await Publishing(core: core, in: scope, by: caller.actor, context).publish(draft)
    }

    func getNotification(
        _ request: Carillon_V1_GetNotificationRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetNotificationResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        let id = check.timed(request.notificationID, "notification_id", as: NotificationID.self)
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.notification(id)
        }
        guard let record = found else { throw Status.notificationNotFound(id) }
        var response = Carillon_V1_GetNotificationResponse()
        response.notification = Carillon_V1_Notification(record, isWhole: true)
        return response
    }

    func listNotifications(
        _ request: Carillon_V1_ListNotificationsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListNotificationsResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        var filter = NotificationFilter()
        filter.account = check.optionalIdentifier(request.accountID, "account_id")
        filter.user = check.optionalIdentifier(request.userID, "user_id")
        if !request.eventID.isEmpty { filter.event = check.timed(request.eventID, "event_id") }
        let size = check.pageSize(request.pageSize)
        let list = ["notifications", request.accountID, request.userID, request.eventID]
        let token = PageToken.read(request.pageToken, of: list, &check)
        let after = token.flatMap { NotificationID($0.key) }
        if token != nil, after == nil { PageToken.refuse(&check) }
        try check.check()
        let page = try await stored(until: context.deadline) { [filter] () async throws(StorageError) in
            try await scope.store.notifications(filter, after: after, size: size)
        }
        var response = Carillon_V1_ListNotificationsResponse()
        response.notifications = page.elements.map { Carillon_V1_Notification($0, isWhole: false) }
        response.nextPageToken = PageToken.make(page.next?.description, of: list)
        return response
    }
}
