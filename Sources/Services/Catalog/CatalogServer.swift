internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage

/// CatalogService: what can be notified, and what the tenant has set.
struct CatalogServer: CatalogServiceHandler {
    /// The catalog in the order of its keys. Made on first use, once in a process.
    private static let types = Catalog.builtIn.types.sorted { $0.key < $1.key }
    /// More settings are not sent in one answer.
    private static let settingLimit = 5000

    let core: ServiceCore

    func listNotificationTypes(
        _ request: Carillon_V1_ListNotificationTypesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListNotificationTypesResponse {
        _ = try await core.tenant(context)
        var check = FieldCheck()
        let filter = TypeFilter(category: request.category, audience: request.audience, kind: request.kind, &check)
        let size = check.pageSize(request.pageSize)
        let list = ["types"] + filter.words
        let after = PageToken.readID(request.pageToken, of: list, &check, as: TypeKey.self)
        try check.check()
        let types = Self.types.filter { type in filter.matches(type) && after.map { $0 < type.key } ?? true }
        var response = Carillon_V1_ListNotificationTypesResponse()
        response.notificationTypes = types.prefix(size).map { Carillon_V1_NotificationType($0) }
        response.nextPageToken = PageToken.make(types.count > size ? types[size - 1].key.rawValue : nil, of: list)
        return response
    }

    func getNotificationType(
        _ request: Carillon_V1_GetNotificationTypeRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetNotificationTypeResponse {
        _ = try await core.tenant(context)
        var check = FieldCheck()
        check.line(request.notificationType, "notification_type", limit: 80, isRequired: true)
        try check.check()
        guard let type = TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] }) else {
            throw Status.notificationTypeNotFound(request.notificationType)
        }
        var response = Carillon_V1_GetNotificationTypeResponse()
        response.notificationType = Carillon_V1_NotificationType(type)
        return response
    }

    func getSettings(
        _ request: Carillon_V1_GetSettingsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetSettingsResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        let filter = TypeFilter(category: request.category, audience: request.audience, kind: .unspecified, &check)
        let size = check.pageSize(request.pageSize, usual: Self.settingLimit, greatest: Self.settingLimit)
        if !request.notificationType.isEmpty {
            check.line(request.notificationType, "notification_type", limit: 80)
        }
        let list = ["settings", request.notificationType] + filter.words
        let token = PageToken.read(request.pageToken, of: list, &check)
        try check.check()
        if !request.notificationType.isEmpty, TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] }) == nil
        {
            throw Status.notificationTypeNotFound(request.notificationType)
        }

        let sides = try await scope.facts.sides.sides(of: nil, .current)
        var settings: [(key: String, setting: Carillon_V1_Setting)] = []
        for type in Self.types where filter.matches(type) {
            guard request.notificationType.isEmpty || type.key.rawValue == request.notificationType else { continue }
            for (place, audience) in Audience.allCases.enumerated() {
                guard filter.audience == nil || filter.audience == audience,
                    let inForce = sides.settings.setting(of: type, for: audience, account: nil)
                else { continue }
                settings.append(
                    ("\(type.key) \(place)", Carillon_V1_Setting(type, audience, inForce.setting, inForce.source)))
            }
        }
        if let token { settings.removeAll { $0.key <= token.key } }
        var response = Carillon_V1_GetSettingsResponse()
        response.settings = settings.prefix(size).map(\.setting)
        response.nextPageToken = PageToken.make(settings.count > size ? settings[size - 1].key : nil, of: list)
        response.etag = Etag.of(sides.supplier.snapshot.version)
        return response
    }
}

/// Which types a list is about.
struct TypeFilter {
    let category: CategoryName?
    let audience: Audience?
    let kind: Kind?

    init(
        category: String, audience: Carillon_V1_Audience, kind: Carillon_V1_NotificationKind, _ check: inout FieldCheck
    ) {
        self.category = check.optionalIdentifier(category, "category")
        self.audience = Audience(audience)
        if audience != .unspecified, self.audience == nil {
            check.add("audience", "is not a known audience", reason: "UNKNOWN")
        }
        self.kind = Kind(kind)
        if kind != .unspecified, self.kind == nil { check.add("kind", "is not a known kind", reason: "UNKNOWN") }
    }

    func matches(_ type: NotificationType) -> Bool {
        (category == nil || type.category == category) && (kind == nil || type.kind == kind)
            && (audience.map { type.audiences[$0] != nil } ?? true)
    }

    /// The filter in words, for page tokens.
    var words: [String] { [category?.rawValue ?? "", audience?.rawValue ?? "", kind?.rawValue ?? ""] }
}
