internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// A request to register a service that was checked.
struct ServiceIdentityDraft {
    /// The most tenants that one service may list; one for more of them is for all.
    private static let tenantLimit = 1000

    let write: ServiceIdentityWrite
    /// The revision that it must have; nil for any.
    let revision: Int64?

    init(_ request: Carillon_V1_PutServiceIdentityRequest) throws(Status) {
        let sent = request.serviceIdentity
        var check = FieldCheck()
        let id = check.spiffeID(sent.spiffeID, "service_identity.spiffe_id")
        let name = check.line(sent.displayName, "service_identity.display_name", limit: 200, isRequired: true)
        let scopes = check.scopes(sent.scopes, "service_identity.scopes", except: [.inbox])
        if sent.scopes.isEmpty {
            check.add("service_identity.scopes", "is required: what the service may do", reason: "REQUIRED")
        }
        let tenants = Self.tenants(sent, scopes, &check)
        try check.check()
        revision = try Etag.revision(sent.etag)
        write = ServiceIdentityWrite(
            id: id, displayName: name, scopes: scopes, allTenants: sent.allTenants, tenants: tenants)
    }

    private static func tenants(
        _ sent: Carillon_V1_ServiceIdentity, _ scopes: [String], _ check: inout FieldCheck
    ) -> [TenantID] {
        let field = "service_identity.tenant_ids"
        if sent.tenantIds.count > tenantLimit {
            check.add(
                field, "has \(sent.tenantIds.count) items; at most \(tenantLimit) are taken", reason: "TOO_MANY")
            return []
        }
        var tenants: Set<TenantID> = []
        for (place, text) in sent.tenantIds.enumerated() {
            if let tenant = check.identifier(text, "\(field)[\(place)]", as: TenantID.self) { tenants.insert(tenant) }
        }
        let actsForTenants = scopes != [AccessScope.platform.word]
        if sent.allTenants, !sent.tenantIds.isEmpty {
            check.add(field, "must be empty for a service that acts for all tenants")
        } else if actsForTenants, !sent.allTenants, sent.tenantIds.isEmpty {
            check.add(
                field, "is required, unless the service acts for all tenants or is an operator only", reason: "REQUIRED"
            )
        } else if !actsForTenants, sent.allTenants || !sent.tenantIds.isEmpty {
            check.add(field, "must be empty, as must all_tenants, for a service that is an operator only")
        }
        return tenants.sorted()
    }
}

extension FieldCheck {
    /// A SPIFFE id; empty, noted, when it is missing or malformed.
    mutating func spiffeID(_ text: String, _ field: String) -> String {
        if text.isEmpty {
            add(field, "is required", reason: "REQUIRED")
            return ""
        }
        guard let identity = try? PeerIdentity(text) else {
            add(field, "is not of the form spiffe://trust-domain/path", reason: "MALFORMED")
            return ""
        }
        return identity.id
    }
}
