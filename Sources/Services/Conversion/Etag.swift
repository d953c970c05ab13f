internal import CarillonGRPC

/// The etag of a resource: its revision, which grows with each change.
enum Etag {
    static func of(_ revision: Int64) -> String { String(revision) }

    /// The revision that a caller expects; nil when the caller sent none.
    ///
    /// - Throws: ABORTED for a text that is no etag of ours, since it cannot be the stored one.
    static func revision(_ etag: String) throws(Status) -> Int64? {
        if etag.isEmpty { return nil }
        guard let revision = Int64(etag), revision > 0, Etag.of(revision) == etag else {
            throw Status(.aborted, .etagMismatch, "the etag is not the stored one: it was changed since it was read")
        }
        return revision
    }
}
