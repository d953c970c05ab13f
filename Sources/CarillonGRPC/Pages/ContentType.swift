/// Content types by the ends of file names (https://www.iana.org/assignments/media-types/).
enum ContentType {
    /// The content type of a file; `application/octet-stream` when its end says nothing.
    static func of(_ name: String) -> String {
        let file = name.split(separator: "/").last ?? ""
        guard let dot = file.lastIndex(of: ".") else { return unknown }
        return byEnd[file[file.index(after: dot)...].lowercased()] ?? unknown
    }

    /// Whether files of that type usually become smaller: text does, pictures and fonts are compressed already.
    static func isCompressible(_ type: String) -> Bool {
        type.hasPrefix("text/") || ["application/json", "application/manifest+json", "image/svg+xml"].contains(type)
            || ["application/wasm", "application/xml", "image/x-icon"].contains(type)
    }

    private static let unknown = "application/octet-stream"

    private static let byEnd = [
        "avif": "image/avif", "css": "text/css; charset=utf-8", "csv": "text/csv; charset=utf-8", "gif": "image/gif",
        "html": "text/html; charset=utf-8", "ico": "image/x-icon", "jpeg": "image/jpeg", "jpg": "image/jpeg",
        "js": "text/javascript; charset=utf-8", "json": "application/json", "map": "application/json",
        "mjs": "text/javascript; charset=utf-8", "pdf": "application/pdf", "png": "image/png",
        "svg": "image/svg+xml", "txt": "text/plain; charset=utf-8", "wasm": "application/wasm",
        "webmanifest": "application/manifest+json", "webp": "image/webp", "woff": "font/woff", "woff2": "font/woff2",
        "xml": "application/xml",
    ]
}
