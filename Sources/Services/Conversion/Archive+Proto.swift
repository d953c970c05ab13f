internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import FoundationEssentials
internal import Storage
internal import SwiftProtobuf

extension Carillon_V1_TenantArchivePart {
    init(_ part: ArchivePart) {
        self.init()
        switch part {
        case .header(let value):
            header.format = value.format
            header.tenantID = value.tenant.rawValue
            header.displayName = value.displayName
            header.schemaVersion = value.schemaVersion
            header.createTime = Google_Protobuf_Timestamp(value.createdAt)
            header.program = value.program
            header.wasSuspended = value.wasSuspended
            header.months = value.months.map(\.description)
            header.wrappedDataKey = Data(value.wrappedDataKey)
            header.providersWithSecret = value.providersWithSecret
        case .table(let value):
            table.name = value.name
            table.columns = value.columns
        case .rows(let octets): rows = Data(octets)
        case .tableEnd(let value):
            tableEnd.rows = value.rows
            tableEnd.sha256 = Data(value.sha256)
        case .trailer(let digest): trailer.digest = Data(digest)
        }
    }
}

extension ArchivePart {
    /// Reads a part; nil when it is empty, or of a kind that this program does not know.
    ///
    /// - Throws: INVALID_ARGUMENT for a header that holds what no header does.
    init?(_ message: Carillon_V1_TenantArchivePart) throws(Status) {
        switch message.part {
        case .header(let value): self = .header(try ArchiveHeader(value))
        case .table(let value): self = .table(ArchiveTable(name: value.name, columns: value.columns))
        case .rows(let octets): self = .rows(Array(octets))
        case .tableEnd(let value): self = .tableEnd(ArchiveCount(rows: value.rows, sha256: Array(value.sha256)))
        case .trailer(let value): self = .trailer(digest: Array(value.digest))
        case nil: return nil
        }
    }
}

extension ArchiveHeader {
    /// More than the 24 months that a tenant may keep, as a month that something waits in stays.
    private static let monthLimit = 120
    private static let providerLimit = 1_000

    fileprivate init(_ value: Carillon_V1_TenantArchiveHeader) throws(Status) {
        let field = "part.header"
        var check = FieldCheck()
        let tenant = check.identifier(value.tenantID, "\(field).tenant_id", as: TenantID.self)
        check.line(value.displayName, "\(field).display_name", limit: 200)
        check.line(value.program, "\(field).program", limit: 200)
        var months: [Month] = []
        for (place, name) in value.months.prefix(Self.monthLimit).enumerated() {
            if let month = Month(partition: name) {
                months.append(month)
            } else {
                check.add("\(field).months[\(place)]", "is not a month such as 202611", reason: "MALFORMED")
            }
        }
        for (place, provider) in value.providersWithSecret.prefix(Self.providerLimit).enumerated() {
            _ = check.identifier(provider, "\(field).providers_with_secret[\(place)]", as: ProviderID.self)
        }
        if value.months.count > Self.monthLimit || value.providersWithSecret.count > Self.providerLimit {
            check.add(field, "names more months or providers than a tenant has", reason: "TOO_MANY")
        }
        let createdAt = Instant(value.createTime)
        if createdAt == nil { check.add("\(field).create_time", "is not a point in time", reason: "OUT_OF_RANGE") }
        try check.check()
        guard let tenant, let createdAt else { throw .unauthenticated }
        self.init(
            format: value.format, tenant: tenant, displayName: value.displayName, schemaVersion: value.schemaVersion,
            createdAt: createdAt, program: value.program, wasSuspended: value.wasSuspended, months: months,
            wrappedDataKey: Array(value.wrappedDataKey), providersWithSecret: value.providersWithSecret)
    }
}

extension Status {
    /// An archive that is not taken, and why.
    static func archiveRefused(_ why: String) -> Status { Status(.failedPrecondition, .archiveRefused, why) }
}
