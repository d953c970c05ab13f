internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage

/// A request to make a tenant that was checked.
struct TenantDraft {
    /// What the key that comes with a tenant is called.
    static let firstKeyName = "first key"

    let id: TenantID
    let values: TenantWrite
    let portalKeys: PortalKeySet
    /// SHA-256 of what the request comes to: defaults filled in, and keys in their stored form.
    let hash: [UInt8]

    init(_ request: Carillon_V1_CreateTenantRequest, zones: ZoneNames) async throws(Status) {
        var check = FieldCheck()
        let id = check.identifier(request.tenant.tenantID, "tenant.tenant_id", as: TenantID.self)
        values = TenantValues(zones: zones).read(request.tenant, &check)
        portalKeys = await Self.portalKeys(request.portalKeysJson, isRequired: false, &check)
        try check.check()
        guard let id else { throw .unauthenticated }
        self.id = id
        let parts = Self.parts(of: values, id) + portalKeys.keys.map(\.json)
        // A line feed stands in none of the parts.
        hash = SHA256Digest.of(Array(parts.joined(separator: "\n").utf8))
    }

    /// All that a tenant is made of, each part in one line. What came with later versions is left out where it is as usual,
    /// so that the request that an earlier version hashed has the same hash.
    private static func parts(of values: TenantWrite, _ id: TenantID) -> [String] {
        let look = values.look
        let limits = values.limits
        let history = values.historyMonths == TenantWrite.usualHistoryMonths ? nil : Int64(values.historyMonths)
        let numbers: [Int64?] = [
            history, limits.callsPerSecond.map(Int64.init), limits.eventsPerSecond.map(Int64.init), limits.storedRows,
            limits.openStreams.map(Int64.init), limits.messageOctets.map(Int64.init),
        ]
        let later: [String] =
            [look.accentColor, look.logoURL, look.imprint.replacing("\n", with: "\r")]
            + numbers.map { number in number.map { String($0) } ?? "" }
        let first: [String] = [
            id.rawValue, values.displayName, values.portalURL, values.timeZone, values.locale,
            values.enabledWithoutSubscription.rawValue,
        ]
        return later.allSatisfy { $0.isEmpty } ? first : first + later
    }

    /// Reads a set of portal keys.
    static func portalKeys(_ json: String, isRequired: Bool, _ check: inout FieldCheck) async -> PortalKeySet {
        if json.isEmpty {
            if isRequired {
                check.add("portal_keys_json", #"is required; {"keys": []} ends all tokens"#, reason: "REQUIRED")
            }
            return .empty
        }
        do throws(PortalKeyError) {
            return try await PortalKeySet.parse(json)
        } catch {
            check.add("portal_keys_json", "is refused: \(error)", reason: "MALFORMED")
            return .empty
        }
    }
}
