internal import CarillonAPI
internal import Domain
internal import Storage
internal import SwiftProtobuf

extension Carillon_V1_Tenant {
    init(_ record: TenantRecord) {
        self.init()
        tenantID = record.id.rawValue
        displayName = record.displayName
        portalURL = record.portalURL
        timeZone = record.timeZone
        locale = record.locale
        enabledWithoutSubscription = Carillon_V1_EnabledPolicy(record.enabledWithoutSubscription)
        state = Carillon_V1_TenantState(record.state)
        createTime = Google_Protobuf_Timestamp(record.createdAt)
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
        etag = Etag.of(record.revision)
        branding = Carillon_V1_TenantBranding(record.look)
        limits = Carillon_V1_TenantLimits(record.limits)
        historyMonths = record.historyMonths
        database = record.database.rawValue
        movingTo = record.movingTo?.rawValue ?? ""
        if let end = record.eraseAt { eraseTime = Google_Protobuf_Timestamp(end) }
    }
}

extension Carillon_V1_TenantUsage {
    init(_ usage: TenantUsage) {
        self.init()
        storedRows = usage.rows
        storedOctets = usage.octets
        countTime = Google_Protobuf_Timestamp(usage.countedAt)
    }
}

extension Carillon_V1_TenantBranding {
    fileprivate init(_ look: TenantLook) {
        self.init()
        accentColor = look.accentColor
        logoURL = look.logoURL
        imprint = look.imprint
    }
}

extension Carillon_V1_TenantLimits {
    fileprivate init(_ limits: TenantLimits) {
        self.init()
        callsPerSecond = limits.callsPerSecond ?? 0
        eventsPerSecond = limits.eventsPerSecond ?? 0
        storedRows = limits.storedRows ?? 0
        openStreams = limits.openStreams ?? 0
        messageOctets = limits.messageOctets ?? 0
    }
}

extension Carillon_V1_Account {
    init(_ record: AccountRecord) {
        self.init()
        accountID = record.id.rawValue
        displayName = record.displayName
        defaultUserID = record.defaultUser?.rawValue ?? ""
        billingEmail = record.billingEmail ?? ""
        notificationsSuppressed = record.notificationsSuppressed
        assignedRepUserIds = record.assignedUsers.map(\.rawValue)
        createTime = Google_Protobuf_Timestamp(record.createdAt)
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
        etag = Etag.of(record.revision)
    }
}

extension Carillon_V1_User {
    init(_ record: UserRecord) {
        self.init()
        userID = record.id.rawValue
        accountID = record.account?.rawValue ?? ""
        displayName = record.displayName
        state = Carillon_V1_UserState(record.status)
        role = record.isAdmin ? .admin : .member
        let mail = record.portalsContactPoint(on: .email)
        email = mail?.address ?? ""
        emailState = Carillon_V1_AddressState(mail?.state ?? .missing)
        let telephone = record.portalsContactPoint(on: .sms)
        phone = telephone?.address ?? ""
        phoneState = Carillon_V1_AddressState(telephone?.state ?? .missing)
        timeZone = record.timeZone ?? ""
        locale = record.locale ?? ""
        createTime = Google_Protobuf_Timestamp(record.createdAt)
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
        etag = Etag.of(record.revision)
    }
}

extension Carillon_V1_InboxCounts {
    init(_ counters: InboxCounters) {
        self.init()
        unread = counters.unread
        unseen = counters.unseen
        total = counters.total
    }
}

extension Carillon_V1_InboxItem {
    init(_ item: InboxItem) {
        self.init()
        notificationID = item.notification.description
        sequence = item.sequence
        notificationType = item.type.rawValue
        if let type = Catalog.builtIn[item.type] {
            category = type.category.rawValue
            priority = Carillon_V1_Priority(type.priority)
        }
        title = item.title
        body = item.body
        deepLink = item.link
        seen = item.seenAt != nil
        read = item.readAt != nil
        createTime = Google_Protobuf_Timestamp(item.createdAt)
        if let readAt = item.readAt { readTime = Google_Protobuf_Timestamp(readAt) }
    }
}
