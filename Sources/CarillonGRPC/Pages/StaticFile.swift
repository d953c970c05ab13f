/// A file that is served as it is, out of memory: its content type by the end of its name, its entity tag computed once,
/// and a compressed variant where that is smaller.
///
/// Made at start, shared by all loops; an answer shares the octets and copies none.
package struct StaticFile: Sendable {
    /// One form of the file: as it is, or compressed. Both have an entity tag of their own, as it is a strong one
    /// (RFC 9110 §8.8.1).
    private struct Variant {
        var body: [UInt8]
        var tag: String
        var fields: [(name: String, value: String)]
    }
    private let contentType: String
    private let plain: Variant
    private let compressed: Variant?

    /// Makes a file.
    ///
    /// - Parameters:
    ///   - name: its name or path, for the content type.
    ///   - octets: what it holds.
    ///   - isImmutable: whether another content would have another name, so that browsers need never ask again; `nil` finds
    ///     out by the name: `app.0a1b2c3d.js` has a hash in it, `app.js` has none and is asked for each time.
    package init(name: String, octets: [UInt8], isImmutable: Bool? = nil) {
        contentType = ContentType.of(name)
        let control =
            isImmutable ?? Self.hasHash(name) ? "public, max-age=31536000, immutable" : "no-cache"
        let small = ContentType.isCompressible(contentType) ? try? Gzip.compress(octets) : nil
        let tag = Self.hash(octets)
        // A variant that saves next to nothing is not worth its memory.
        let isSmaller = small.map { $0.count < octets.count / 10 * 9 } ?? false
        var fields = [(name: "etag", value: "\"\(tag)\""), (name: "cache-control", value: control)]
        if isSmaller { fields.append(("vary", "accept-encoding")) }
        plain = Variant(body: octets, tag: "\"\(tag)\"", fields: fields)
        guard isSmaller, let small else {
            compressed = nil
            return
        }
        fields[0].value = "\"\(tag)-gzip\""
        compressed = Variant(
            body: small, tag: fields[0].value, fields: fields + [(name: "content-encoding", value: "gzip")])
    }

    /// Answers GET and HEAD: 304 if the caller has the file already (RFC 9110 §13.1.2).
    func answer(_ request: PageRequest) -> PageAnswer {
        let variant = request.acceptsGzip ? compressed ?? plain : plain
        if let known = request[header: "if-none-match"], Self.names(known, variant.tag) {
            let fields = variant.fields.filter { $0.name != "content-encoding" }
            return PageAnswer(status: 304, contentType: contentType, body: [], fields: fields)
        }
        return PageAnswer(contentType: contentType, body: variant.body, fields: variant.fields)
    }

    /// Whether a list of entity tags names one; the weak comparison, in which `W/` means nothing (RFC 9110 §8.8.3.2).
    private static func names(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { element in
            let element = element.trimmingPrefix { $0 == " " || $0 == "\t" }
            let name = element.hasPrefix("W/") ? element.dropFirst(2) : element
            let end = name.lastIndex { $0 != " " && $0 != "\t" } ?? name.startIndex
            return name == "*" || (!name.isEmpty && name[...end] == tag)
        }
    }

    /// Whether the part before the last dot ends in a hash: eight or more hexadecimal digits, one of them a figure, behind
    /// a dot or a dash.
    private static func hasHash(_ name: String) -> Bool {
        let file = name.utf8.split(separator: UInt8(ascii: "/")).last ?? []
        guard let dot = file.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let stem = file[..<dot]
        guard let cut = stem.lastIndex(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }) else {
            return false
        }
        let hash = stem[stem.index(after: cut)...]
        let figures = UInt8(ascii: "0")...UInt8(ascii: "9")
        return hash.count >= 8 && hash.contains { figures.contains($0) }
            && hash.allSatisfy { figures.contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }

    /// A hash and the length: it has to tell the releases of one file apart, not to withstand anybody.
    private static func hash(_ octets: [UInt8]) -> String {
        String(octets.withUnsafeBytes { FNV1a.hash($0) }, radix: 16) + "-" + String(octets.count, radix: 16)
    }
}
