/// A Connect call by GET: the message stands in the query of its address
/// (https://connectrpc.com/docs/protocol/, "Unary-Get-Request"), such as `connect=v1&encoding=json&message=%7B%7D`.
///
/// Parameters come in any order; unknown ones are passed over. A known one that comes twice is refused, as a cache in
/// between might keep the answer by the other.
struct ConnectQuery {
    /// Why a query is not a call.
    enum Problem: Error, Equatable {
        /// The parameter `encoding` is missing or names no codec of this server: HTTP status 415.
        case unknownCodec
        /// The parameter `compression` names something else than gzip: UNIMPLEMENTED.
        case unknownCompression
        /// The parameter `connect` is not `v1`: INVALID_ARGUMENT.
        case version
        /// Something else is wrong; the status says what.
        case malformed(Status)
        /// The message is longer than allowed: RESOURCE_EXHAUSTED.
        case tooLarge
    }

    /// How the message is written.
    private(set) var codec = MessageCodec.proto
    /// The message; still compressed if ``isGzip``.
    private(set) var message: [UInt8] = []
    /// Whether the message is compressed.
    private(set) var isGzip = false

    /// Reads the part of an address behind its first `?`.
    ///
    /// - Parameter limit: the greatest length of ``message`` in octets.
    init(_ query: UnsafeRawBufferPointer, limit: Int) throws(Problem) {
        var values = [Slice<UnsafeRawBufferPointer>?](repeating: nil, count: Self.names.count)
        for parameter in query.split(separator: UInt8(ascii: "&")) {
            let end = parameter.firstIndex(of: UInt8(ascii: "=")) ?? parameter.endIndex
            let name = parameter[parameter.startIndex..<end]
            guard let index = Self.names.firstIndex(where: { name.elementsEqual($0.utf8) }) else { continue }
            guard values[index] == nil else {
                throw .malformed(Status(.invalidArgument, "the query parameter \(Self.names[index]) comes twice"))
            }
            values[index] = parameter[end...].dropFirst()
        }
        if let version = values[0], !version.elementsEqual("v1".utf8) { throw .version }
        switch values[1] {
        case .some(let name) where name.elementsEqual("proto".utf8): codec = .proto
        case .some(let name) where name.elementsEqual("json".utf8): codec = .json
        default: throw .unknownCodec
        }
        switch values[4] {
        case .none: break
        case .some(let name) where name.isEmpty || name.elementsEqual("identity".utf8): break
        case .some(let name) where name.elementsEqual("gzip".utf8): isGzip = true
        default: throw .unknownCompression
        }
        guard let text = values[2] else {
            throw .malformed(Status(.invalidArgument, "the query parameter message is missing"))
        }
        message = try Self.decode(text, isBase64: try Self.isBase64(values[3]))
        guard message.count <= limit else { throw .tooLarge }
    }

    private static let names = ["connect", "encoding", "message", "base64", "compression"]

    private static func isBase64(_ value: Slice<UnsafeRawBufferPointer>?) throws(Problem) -> Bool {
        guard let value, !value.isEmpty, !value.elementsEqual("0".utf8) else { return false }
        guard value.elementsEqual("1".utf8) else {
            throw .malformed(Status(.invalidArgument, "the query parameter base64 must be 1"))
        }
        return true
    }

    private static func decode(
        _ text: Slice<UnsafeRawBufferPointer>, isBase64: Bool
    ) throws(Problem) -> [UInt8] {
        guard let octets = PercentEncoding.decodeQuery(text) else {
            throw .malformed(Status(.invalidArgument, "the query parameter message has a broken percent escape"))
        }
        guard isBase64 else { return octets }
        guard let message = Base64.decodeURLSafe(octets) else {
            throw .malformed(Status(.invalidArgument, "the query parameter message is not url-safe base64"))
        }
        return message
    }
}
