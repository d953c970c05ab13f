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
    /// - Throws: FAILED_PRECONDITION for a header that does not have the form of one.
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
    fileprivate init(_ value: Carillon_V1_TenantArchiveHeader) throws(Status) {
        let months = value.months.compactMap { Month(partition: $0) }
        guard let tenant = TenantID(value.tenantID), months.count == value.months.count,
            let createdAt = Instant(value.createTime)
        else { throw .archiveRefused("the archive's header does not have the form of one") }
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
