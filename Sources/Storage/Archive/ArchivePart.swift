package import Domain

/// A piece of an archive. An archive is a header; then for each table, in a fixed order, its name, its rows in any number of
/// pieces, and its end; then the trailer.
package enum ArchivePart: Sendable, Hashable {
    /// What the archive is of.
    case header(ArchiveHeader)
    /// A table begins.
    case table(ArchiveTable)
    /// Octets of the table's rows in the text form of COPY, cut anywhere.
    case rows([UInt8])
    /// The table ends.
    case tableEnd(ArchiveCount)
    /// The archive ends: SHA-256 of all that came before (``ArchiveDigest``).
    case trailer(digest: [UInt8])
}

/// What an archive says of its tenant before the first row.
package struct ArchiveHeader: Sendable, Hashable {
    /// The form that this program writes, and the only one that it reads.
    package static let currentFormat: Int32 = 1

    /// The form of the archive.
    package var format: Int32
    /// Whose it is. It keeps its id wherever it goes: what is sealed is bound to it.
    package var tenant: TenantID
    /// The supplier's name, for people.
    package var displayName: String
    /// The version of the tenant's schema.
    package var schemaVersion: Int32
    /// The moment that the rows show.
    package var createdAt: Instant
    /// The program that wrote it, for people.
    package var program: String
    /// Whether the tenant was suspended at that moment. If it was not, it has gone on since where it was.
    package var wasSuspended: Bool
    /// The months of its history, in order.
    package var months: [Month]
    /// The tenant's data key, wrapped with the transfer key; empty when sealed columns were left out.
    package var wrappedDataKey: [UInt8]
    /// Providers that had a secret, in order.
    package var providersWithSecret: [String]

    /// Describes an archive.
    package init(
        format: Int32 = currentFormat, tenant: TenantID, displayName: String, schemaVersion: Int32, createdAt: Instant,
        program: String, wasSuspended: Bool, months: [Month], wrappedDataKey: [UInt8], providersWithSecret: [String]
    ) {
        self.format = format
        self.tenant = tenant
        self.displayName = displayName
        self.schemaVersion = schemaVersion
        self.createdAt = createdAt
        self.program = program
        self.wasSuspended = wasSuspended
        self.months = months
        self.wrappedDataKey = wrappedDataKey
        self.providersWithSecret = providersWithSecret
    }
}

/// The beginning of a table in an archive.
package struct ArchiveTable: Sendable, Hashable {
    /// Its name; with `carillon.` before it for a table of the registry.
    package var name: String
    /// The columns of its rows.
    package var columns: [String]

    /// Names a table.
    package init(name: String, columns: [String]) {
        self.name = name
        self.columns = columns
    }
}

/// The end of a table in an archive.
package struct ArchiveCount: Sendable, Hashable {
    /// How many rows it had.
    package var rows: Int64
    /// SHA-256 of their octets.
    package var sha256: [UInt8]

    /// Counts a table.
    package init(rows: Int64, sha256: [UInt8]) {
        self.rows = rows
        self.sha256 = sha256
    }
}
