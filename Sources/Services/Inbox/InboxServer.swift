internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// InboxService: the inbox of the portal user whom the token names, and of nobody else.
struct InboxServer: InboxServiceHandler {
    let core: ServiceCore

    func listInbox(
        _ request: Carillon_V1_ListInboxRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListInboxResponse {
        let portal = try await core.caller(context).requirePortalUser()
        let (scope, user) = (portal.scope, portal.user)
        var check = FieldCheck()
        let size = check.pageSize(request.pageSize, greatest: 200)
        let list = ["inbox", user.rawValue, request.unreadOnly ? "unread" : "all"]
        let token = PageToken.read(request.pageToken, of: list, &check)
        let before = token.flatMap { Int64($0.key) }
        if token != nil, before == nil { PageToken.refuse(&check) }
        try check.check()
        let inbox = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.inbox(of: user, unreadOnly: request.unreadOnly, before: before, size: size)
        }
        var response = Carillon_V1_ListInboxResponse()
        response.items = inbox.page.elements.map { Carillon_V1_InboxItem($0) }
        response.nextPageToken = PageToken.make(inbox.page.next.map { String($0) }, of: list)
        response.counts = Carillon_V1_InboxCounts(inbox.counters)
        response.sequence = inbox.counters.lastSequence
        return response
    }

    func watchInbox(
        _ request: Carillon_V1_WatchInboxRequest, _ responses: ResponseWriter<Carillon_V1_WatchInboxResponse>,
        _ context: CallContext
    ) async throws {
        let portal = try await core.watcher(context)
        if request.hasAfterSequence, request.afterSequence < 0 {
            var check = FieldCheck()
            check.add("after_sequence", "must not be negative", reason: "OUT_OF_RANGE")
            try check.check()
        }
        let hub = core[context].inboxes
        let watcher = try hub.watch(portal, after: request.hasAfterSequence ? request.afterSequence : nil)
        defer { hub.leave(watcher) }
        responses.sendHeaders()
        while true {
            for update in try await watcher.next() {
                try await responses.send(Carillon_V1_WatchInboxResponse(update))
            }
        }
    }

    func getCounts(
        _ request: Carillon_V1_GetCountsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetCountsResponse {
        let portal = try await core.caller(context).requirePortalUser()
        let (scope, user) = (portal.scope, portal.user)
        let counters = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.inboxCounters(of: [user])
        }
        var response = Carillon_V1_GetCountsResponse()
        response.counts = Carillon_V1_InboxCounts(counters[user] ?? .none)
        return response
    }

    func markRead(
        _ request: Carillon_V1_MarkReadRequest, _ context: CallContext
    ) async throws -> Carillon_V1_MarkReadResponse {
        let portal = try await core.caller(context).requirePortalUser()
        let (scope, user) = (portal.scope, portal.user)
        var check = FieldCheck()
        if request.sequences.isEmpty {
            check.add("sequences", "is required", reason: "REQUIRED")
        } else if request.sequences.count > 1000 {
            check.add("sequences", "has \(request.sequences.count) items; at most 1000 are taken", reason: "TOO_MANY")
        }
        try check.check()
        let now = core.now
        let change = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.markRead(of: user, sequences: request.sequences, now: now)
        }
        if !change.items.isEmpty { core.inboxItemsChanged(change.items, change.counters, of: user, in: scope.id) }
        var response = Carillon_V1_MarkReadResponse()
        response.changed = Int32(change.items.count)
        response.counts = Carillon_V1_InboxCounts(change.counters)
        return response
    }
}

extension Carillon_V1_WatchInboxResponse {
    init(_ update: InboxUpdate) {
        self.init()
        switch update {
        case .item(let item, let cursor):
            sequence = cursor
            self.item = Carillon_V1_InboxItem(item)
        case .counters(let counters, let cursor):
            sequence = cursor
            counts = Carillon_V1_InboxCounts(counters)
        }
    }
}
