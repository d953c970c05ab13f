internal import CarillonGRPC
internal import Domain

/// The tenant that a call names in the metadata key `carillon-tenant`.
enum TenantClaim {
    case none
    case one(TenantID)
    /// Several, or something that is no tenant's id: it allows nothing.
    case malformed

    init(_ context: CallContext) {
        // Safe because the octets are copied.
        let text = unsafe context.withOnlyHeader("carillon-tenant") { field in
            unsafe field.map { unsafe String(decoding: $0.prefix(64), as: UTF8.self) }
        }
        if let text {
            self = TenantID(text).map { .one($0) } ?? .malformed
        } else {
            let isThere = unsafe context.withHeader("carillon-tenant") { unsafe $0 != nil }
            self = isThere ? .malformed : .none
        }
    }

    /// Whether a credential of this tenant may come with it.
    func allows(_ tenant: TenantID?) -> Bool {
        switch self {
        case .none: true
        case .one(let claimed): claimed == tenant
        case .malformed: false
        }
    }
}
