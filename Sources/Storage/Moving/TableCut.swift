internal import Domain

/// How the rows of a table are cut into buckets that are compared, and copied again where they differ: by the time inside of a
/// UUIDv7, finely where it is recent; by a digest of a name; or not at all.
enum TableCut: Sendable, Hashable {
    case time(String)
    case name(String)
    case whole

    init(_ table: ArchivedTable) {
        if let timed = table.timed {
            self = .time(timed)
        } else if let key = table.key.first, key != "singleton" {
            self = .name(key)
        } else {
            self = .whole
        }
    }

    /// How many of the twelve digits of its milliseconds name a time's bucket, which has 65 s or four and a half hours then.
    private static let fine = 8
    private static let coarse = 6

    /// The bucket of the row `x`, as SQL: hexadecimal digits.
    ///
    /// - Parameter recent: from there on times are cut finely. The same for all that is compared.
    func bucket(recent: UUIDv7) -> String {
        switch self {
        case .time(let column):
            "CASE WHEN x.\(column) >= '\(recent)' THEN pg_catalog.substr(x.\(column)::text, 1, \(Self.fine)) "
                + "ELSE pg_catalog.substr(x.\(column)::text, 1, \(Self.coarse)) END"
        case .name(let column): "pg_catalog.substr(pg_catalog.md5(x.\(column)), 1, 2)"
        case .whole: "''::text"
        }
    }

    /// Which rows `x` are in some buckets, as SQL. For times with the bounds of all, which an index and partitions go by.
    ///
    /// - Parameter buckets: in any order; at least one.
    func condition(_ buckets: some Collection<String>, recent: UUIDv7) -> String {
        // Nothing but our own digits may become SQL.
        precondition(buckets.allSatisfy(Self.isBucket), "a bucket is named by hexadecimal digits")
        let list = buckets.sorted().map { "'\($0)'" }.joined(separator: ", ")
        let isInOne = "\(bucket(recent: recent)) = ANY (ARRAY[\(list)]::text[])"
        guard case .time(let column) = self, let first = buckets.map({ Self.bound($0, "0") }).min(),
            let last = buckets.map({ Self.bound($0, "f") }).max()
        else { return isInOne }
        return "x.\(column) >= '\(first)' AND x.\(column) <= '\(last)' AND \(isInOne)"
    }

    /// Which rows `x` are recent, as SQL; nil where nobody can tell.
    func recentOnly(_ recent: UUIDv7) -> String? {
        if case .time(let column) = self { "x.\(column) >= '\(recent)'" } else { nil }
    }

    /// Whether a bucket of times is of the recent ones.
    static func isRecent(_ bucket: String) -> Bool { bucket.utf8.count == fine }

    static func isBucket(_ text: String) -> Bool {
        text.utf8.count <= fine
            && text.utf8.allSatisfy { octet in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(octet)
            }
    }

    /// The first or the last UUID of a bucket.
    private static func bound(_ bucket: String, _ digit: String) -> String {
        let digits = bucket + String(repeating: digit, count: 32 - bucket.count)
        var text = ""
        for (place, character) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { text += "-" }
            text.append(character)
        }
        return text
    }
}
