internal import CarillonNet

/// What the first header block of an answer says, by the rules of "gRPC over HTTP/2" for responses.
enum ResponseHead {
    /// An answer begins; its messages may be compressed in that way (`identity` when the server does not say).
    case begins(encoding: String)
    /// The call is over if the stream ends here ("Trailers-Only"); otherwise an answer begins.
    case endsIfLast(Status, encoding: String)
    /// It is no answer of gRPC; that is its meaning.
    case foreign(Status)

    /// Reads a header block.
    init(_ block: HeaderBlock) {
        let http = block[":status"].flatMap { Int($0) }
        let type = block["content-type"]
        guard Self.isGRPC(type) else {
            let words =
                "the server answered with HTTP status \(http.map(String.init) ?? "none"), content-type \(type ?? "none")"
            // Trailers-Only without a content type still carries a status that is more telling than HTTP's.
            guard type == nil, http == 200, let status = Self.status(of: block) else {
                self = .foreign(Status(StatusMapping.code(ofHTTP: http), words))
                return
            }
            self = .endsIfLast(status, encoding: "identity")
            return
        }
        let encoding = block["grpc-encoding"] ?? "identity"
        if let status = Self.status(of: block) {
            self = .endsIfLast(status, encoding: encoding)
        } else if http != 200 {
            self = .foreign(
                Status(StatusMapping.code(ofHTTP: http), "the server answered with HTTP status \(http ?? 0)"))
        } else {
            self = .begins(encoding: encoding)
        }
    }

    /// Whether a content type is `application/grpc`, alone or with `+codec` or `;parameters`; case does not count.
    static func isGRPC(_ type: String?) -> Bool {
        guard let type = type?.lowercased(), type.hasPrefix("application/grpc") else { return false }
        let rest = type.utf8.dropFirst("application/grpc".utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: ";")
    }

    /// The status that trailers carry; `nil` when `grpc-status` is not there. A value that is no known code is UNKNOWN.
    static func status(of block: HeaderBlock) -> Status? {
        guard let value = block["grpc-status"] else { return nil }
        let message = block.withFirst("grpc-message") { $0.map { PercentEncoding.decode($0) } } ?? ""
        let details = block.withFirst("grpc-status-details-bin") { $0.flatMap { Base64.decode($0) } } ?? []
        guard let code = UInt8(value).flatMap({ StatusCode(rawValue: $0) }) else {
            let words = "the server answered with grpc-status \"\(value.prefix(16))\""
            return Status(.unknown, message.isEmpty ? words : "\(message) (\(words))", details: details)
        }
        return code == .ok ? .ok : Status(code, message, details: details)
    }
}
