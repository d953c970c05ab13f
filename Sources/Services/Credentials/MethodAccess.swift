internal import CarillonGRPC
internal import Security

/// Who may call a method. It travels in the method's ``RPCMethod/mark``, so that a call finds it without a search.
struct MethodAccess: Sendable, Hashable {
    /// The kinds of callers that a method is for.
    enum Callers: UInt8, Sendable {
        /// Operators.
        case platform
        /// A tenant's own programs, and services that act for it.
        case tenant
        /// Those, for all users, and portal users for themselves.
        case tenantOrUser
        /// Portal users for themselves.
        case user

        /// What to tell callers of another kind.
        var words: String {
            switch self {
            case .platform: "an operator's key, or the certificate of a service that is an operator"
            case .tenant: "a tenant's API key"
            case .tenantOrUser: "a tenant's API key or a portal token"
            case .user: "a portal token"
            }
        }
    }

    let callers: Callers
    /// One of these is needed.
    let scopes: AccessScopes

    /// Every method of the API by its service and name: the one place where this is said. A server whose methods are not all
    /// here does not start.
    static let table: [String: MethodAccess] = {
        var table: [String: MethodAccess] = [:]
        func add(_ service: String, _ callers: Callers, _ scopes: AccessScope..., methods: [String]) {
            for method in methods {
                table["/carillon.v1.\(service)/\(method)"] = MethodAccess(
                    callers: callers, scopes: AccessScopes(scopes))
            }
        }
        add(
            "TenantService", .platform, .platform,
            methods: [
                "CreateTenant", "GetTenant", "ListTenants", "UpdateTenant", "SuspendTenant", "ResumeTenant",
                "DeleteTenant", "CreateApiKey", "ListApiKeys", "RevokeApiKey",
                "SetPortalKeys", "PutServiceIdentity", "ListServiceIdentities", "DeleteServiceIdentity",
                "ExportTenant", "ImportTenant",
            ])
        add(
            "AccountService", .tenant, .accounts,
            methods: ["UpsertAccount", "UpsertUser", "SetDefaultUser", "UpsertTeam", "RemoveSuppression"])
        add(
            "AccountService", .tenant, .accounts, .read,
            methods: ["GetAccount", "ListUsers", "GetTeam", "ListSuppressions"])
        add(
            "CatalogService", .tenant, .catalog, .read, .publish,
            methods: ["ListNotificationTypes", "GetNotificationType"])
        add("CatalogService", .tenant, .catalog, .read, methods: ["GetSettings", "GetFrequencyCaps"])
        add("CatalogService", .tenant, .catalog, methods: ["UpdateFrequencyCaps"])
        add("PreferenceService", .tenantOrUser, .check, .read, .preferences, methods: ["CheckPreference"])
        add(
            "PreferenceService", .tenant, .check, .read, .preferences,
            methods: ["BatchCheckPreferences", "StreamPreferenceChecks"])
        add("PreferenceService", .tenantOrUser, .preferences, .read, methods: ["GetPreferences", "ExplainDecision"])
        add(
            "PreferenceService", .tenantOrUser, .preferences,
            methods: ["UpdatePreferences", "ConfirmContactPoint", "SendConfirmation"])
        add("PreferenceService", .tenant, .preferences, methods: ["RedeemUnsubscribe", "ImportPreferences"])
        add("PreferenceService", .tenant, .preferences, .read, methods: ["ExportPreferences"])
        add("DeliveryService", .tenant, .publish, methods: ["Publish", "CancelEvent", "ReportProviderEvents"])
        add("DeliveryService", .tenant, .read, methods: ["GetNotification", "ListNotifications"])
        add("ChannelService", .tenant, .providers, methods: ["PutProvider"])
        add("ChannelService", .tenant, .providers, .read, methods: ["ListProviders"])
        add("InboxService", .user, .inbox, methods: ["ListInbox", "WatchInbox", "GetCounts", "MarkRead"])
        return table
    }()

    /// A method with its access.
    static func mark(_ method: RPCMethod) -> RPCMethod {
        guard let access = table["\(method.path)"] else {
            preconditionFailure("MethodAccess does not say who may call \(method.path)")
        }
        var marked = method
        marked.mark = access.mark
        return marked
    }

    init(callers: Callers, scopes: AccessScopes) {
        self.callers = callers
        self.scopes = scopes
    }

    /// The access of the method that is called.
    init(_ context: CallContext) {
        // Every method of ours was marked when the table was made.
        callers = Callers(rawValue: UInt8(truncatingIfNeeded: context.mark >> 32)) ?? .platform
        scopes = AccessScopes(rawValue: UInt32(truncatingIfNeeded: context.mark))
    }

    private var mark: UInt64 { UInt64(callers.rawValue) << 32 | UInt64(scopes.rawValue) }
}
