internal import Crypto
internal import Domain

/// SHA-256 over an archive: over the header's fields, and each table's name, columns, number of rows and digest, every one
/// with its length before it. Where rows are cut into pieces does not matter.
struct ArchiveDigest {
    private var hasher = SHA256()

    /// Adds what a part says; rows are counted in by their table's end.
    mutating func add(_ part: ArchivePart) {
        switch part {
        case .header(let header):
            add("header")
            add(String(header.format))
            add(header.tenant.rawValue)
            add(header.displayName)
            add(String(header.schemaVersion))
            add(String(header.createdAt.microseconds))
            add(header.program)
            add(header.wasSuspended ? "suspended" : "active")
            add(header.months.map(\.description).joined(separator: ","))
            add(header.wrappedDataKey)
            add(String(header.providersWithSecret.count))
            for provider in header.providersWithSecret { add(provider) }
        case .table(let table):
            add("table")
            add(table.name)
            add(table.columns.joined(separator: ","))
        case .rows, .trailer: break
        case .tableEnd(let count):
            add("end")
            add(String(count.rows))
            add(count.sha256)
        }
    }

    /// The digest of what was added.
    var octets: [UInt8] { Array(hasher.finalize()) }

    private mutating func add(_ text: String) { add(Array(text.utf8)) }

    private mutating func add(_ octets: [UInt8]) {
        hasher.update(data: Array("\(octets.count):".utf8))
        hasher.update(data: octets)
    }
}

/// SHA-256 of a table's rows, and their number.
struct RowsDigest {
    private var hasher = SHA256()
    private(set) var rows: Int64 = 0

    /// Adds octets. In COPY's text form each line feed ends a row; those of values are written in another way.
    mutating func add(_ octets: [UInt8]) {
        hasher.update(data: octets)
        rows += Int64(octets.count { $0 == UInt8(ascii: "\n") })
    }

    /// What was added.
    var count: ArchiveCount { ArchiveCount(rows: rows, sha256: Array(hasher.finalize())) }
}
