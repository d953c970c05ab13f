internal import Postgres

/// How many rows each bucket of a table has, and a digest of them that does not depend on their order.
struct BucketDigests: Sendable, Hashable {
    /// One bucket.
    struct Bucket: Sendable, Hashable {
        let rows: Int64
        /// The sum of 64 bits of each row's MD5, as text: as good as chance against what breaks copies.
        let digest: String
    }

    /// By the bucket's name.
    var buckets: [String: Bucket] = [:]

    /// Where a copy departs from its original.
    struct Difference: Sendable, Hashable {
        /// Buckets that are not the same on both sides, or on one side only.
        let buckets: [String]
        /// How many rows the original has in them.
        let rows: Int64
        /// Whether that is all that the original has, and the copy has nothing at all.
        let isEverything: Bool
        /// Whether the copy has rows in them.
        let isOverwriting: Bool

        var isEmpty: Bool { buckets.isEmpty }
    }

    /// Compares an original with its copy.
    func difference(from copy: BucketDigests) -> Difference {
        let names = Set(buckets.keys).union(copy.buckets.keys).filter { buckets[$0] != copy.buckets[$0] }
        return Difference(
            buckets: names.sorted(), rows: names.reduce(0) { $0 + (buckets[$1]?.rows ?? 0) },
            isEverything: copy.buckets.isEmpty, isOverwriting: names.contains { copy.buckets[$0] != nil })
    }
}

extension BucketDigests {
    /// Reads ``CopyStatements/digests(_:of:recent:where:)``.
    init(_ rows: ResultSet) throws(PostgresError) {
        for row in rows {
            let name = try row.text(0)
            guard TableCut.isBucket(name) else { throw .corrupt(0) }
            buckets[name] = Bucket(rows: try row.int8(1), digest: try row.text(2))
        }
    }
}
