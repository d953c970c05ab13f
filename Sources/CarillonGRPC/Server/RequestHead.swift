internal import CarillonNet

/// What a request's header block says to this layer, read in one pass: the dialect and codec, the caller's time, the
/// encodings, and what is wrong with them.
struct RequestHead {
    enum Method: UInt8 {
        case post
        case get
        case head
        case other
    }
    private(set) var method = Method.other
    /// The dialect and codec; `nil` when the request is not a call in its body.
    private(set) var contentType: CallContentType?
    /// Whether the type of the body is that of gRPC calls, of such as this server does not speak too.
    private(set) var isGRPC = false
    /// Whether the request says that it came over TLS.
    private(set) var isSecure = false
    /// Whether the caller says that it takes trailers, which shows that no proxy in between dropped them.
    private(set) var takesTrailers = false
    /// How long the caller waits, in nanoseconds. Not a `Duration`, whose layout only the standard library knows: a head that
    /// has one is copied by calls.
    private(set) var timeout: Int64?
    /// How the request's messages may be encoded.
    private(set) var encoding = MessageEncoding.identity
    /// Whether the caller can decode gzip.
    private(set) var acceptsGzip = false
    /// What is wrong with a call's own header fields.
    private(set) var problem: RequestProblem?

    /// What was seen of the fields whose meaning depends on the dialect, which may be known only behind them.
    private struct Marks: OptionSet {
        let rawValue: UInt16
        static let badGRPCTimeout = Marks(rawValue: 1 << 0)
        static let badConnectTimeout = Marks(rawValue: 1 << 1)
        static let badConnectVersion = Marks(rawValue: 1 << 2)
        static let badBinary = Marks(rawValue: 1 << 3)
        static let grpcGzip = Marks(rawValue: 1 << 4)
        static let grpcUnknown = Marks(rawValue: 1 << 5)
        static let httpGzip = Marks(rawValue: 1 << 6)
        static let httpUnknown = Marks(rawValue: 1 << 7)
        static let connectGzip = Marks(rawValue: 1 << 8)
        static let connectUnknown = Marks(rawValue: 1 << 9)
        static let grpcAccepts = Marks(rawValue: 1 << 10)
        static let httpAccepts = Marks(rawValue: 1 << 11)
        static let connectAccepts = Marks(rawValue: 1 << 12)
    }
    private var marks: Marks = []
    private var connectTimeout: Int64?

    init(_ block: HeaderBlock) {
        block.visit { name, value in _ = read(name, value) }
        settle(contentType?.dialect ?? .connectUnary)
    }

    private init() {}

    /// Reads a field; false when it says nothing to this layer.
    private mutating func read(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        // The lengths tell most fields apart before any octet is compared.
        switch name.count {
        case 2 where name.matches("te"): takesTrailers = value.matches("trailers")
        case 7 where name.matches(":method"): method = Self.method(value)
        case 7 where name.matches(":scheme"): isSecure = value.matches("https")
        case 12 where name.matches("content-type"):
            contentType = CallContentType(value)
            isGRPC = contentType.map { $0.dialect == .grpc } ?? CallContentType.isGRPC(value)
        case 12 where name.matches("grpc-timeout"):
            timeout = GRPCTimeout.parse(value)?.wholeNanoseconds
            if timeout == nil { marks.insert(.badGRPCTimeout) }
        case 13 where name.matches("grpc-encoding"): readEncoding(value, .grpcGzip, .grpcUnknown)
        case 15 where name.matches("accept-encoding"): readAccepted(value, .httpAccepts)
        case 16 where name.matches("content-encoding"): readEncoding(value, .httpGzip, .httpUnknown)
        case 18 where name.matches("connect-timeout-ms"):
            connectTimeout = ConnectTimeout.parse(value)?.wholeNanoseconds
            if connectTimeout == nil { marks.insert(.badConnectTimeout) }
        case 20 where name.matches("grpc-accept-encoding"): readAccepted(value, .grpcAccepts)
        case 23 where name.matches("connect-accept-encoding"): readAccepted(value, .connectAccepts)
        case 24 where name.matches("connect-content-encoding"): readEncoding(value, .connectGzip, .connectUnknown)
        case 24 where name.matches("connect-protocol-version"):
            if !value.matches("1") { marks.insert(.badConnectVersion) }
        default:
            guard name.hasBinarySuffix, !Self.isBase64List(value) else { return false }
            marks.insert(.badBinary)
        }
        return true
    }

    /// Takes another value for a field of a head that was read without finding fault; false when that is not enough, since
    /// what the field means hangs on others.
    mutating func reread(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard problem == nil, contentType?.dialect == .grpc else { return false }
        if name.matches("grpc-timeout") {
            timeout = GRPCTimeout.parse(value)?.wholeNanoseconds
            return timeout != nil
        }
        var blank = RequestHead()
        return !blank.read(name, value)
    }

    private static func method(_ value: UnsafeRawBufferPointer) -> Method {
        if value.matches("POST") { return .post }
        if value.matches("GET") { return .get }
        return value.matches("HEAD") ? .head : .other
    }

    private mutating func readEncoding(_ value: UnsafeRawBufferPointer, _ gzip: Marks, _ unknown: Marks) {
        if value.matches("gzip") {
            marks.insert(gzip)
        } else if !value.matches("identity"), !value.isEmpty {
            marks.insert(unknown)
        }
    }

    private mutating func readAccepted(_ value: UnsafeRawBufferPointer, _ mark: Marks) {
        guard let isAccepted = AcceptedEncodings.gzip(in: value) else { return }
        if isAccepted { marks.insert(mark) } else { marks.remove(mark) }
    }

    private static func isBase64List(_ value: UnsafeRawBufferPointer) -> Bool {
        value.split(separator: UInt8(ascii: ",")).allSatisfy { Base64.decode($0.trimmingBlanks) != nil }
    }

    // MARK: What it means in a dialect

    private mutating func settle(_ dialect: Dialect) {
        let gzip: Marks
        let unknown: Marks
        let accepts: Marks
        switch dialect {
        case .grpc, .grpcWeb:
            (gzip, unknown, accepts) = (.grpcGzip, .grpcUnknown, .grpcAccepts)
        case .connectUnary:
            (gzip, unknown, accepts) = (.httpGzip, .httpUnknown, .httpAccepts)
            timeout = connectTimeout
        case .connectStream:
            (gzip, unknown, accepts) = (.connectGzip, .connectUnknown, .connectAccepts)
            timeout = connectTimeout
        }
        if marks.contains(gzip) { encoding = .gzip }
        acceptsGzip = marks.contains(accepts)
        guard !marks.isDisjoint(with: Self.problems) else { return }
        if marks.contains(unknown) {
            problem = .unknownEncoding
        } else if marks.contains(.badBinary) {
            problem = .brokenBase64
        } else if dialect == .grpc || dialect == .grpcWeb {
            if marks.contains(.badGRPCTimeout) { problem = .brokenGRPCTimeout }
        } else if marks.contains(.badConnectTimeout) {
            problem = .brokenConnectTimeout
        } else if marks.contains(.badConnectVersion) {
            problem = .unknownConnectVersion
        }
    }

    private static let problems: Marks = [
        .badGRPCTimeout, .badConnectTimeout, .badConnectVersion, .badBinary, .grpcUnknown, .httpUnknown,
        .connectUnknown,
    ]

    /// Takes the dialect, codec and encoding of a call that stands in the query of its address.
    mutating func becomeQuery(_ codec: MessageCodec, _ encoding: MessageEncoding) {
        contentType = codec == .json ? .connectJSON : .connectProto
        self.encoding = encoding
    }
}

extension UnsafeRawBufferPointer {
    /// Whether a field name ends in `-bin`: its values are base64.
    var hasBinarySuffix: Bool {
        count > 4 && self[count - 1] == UInt8(ascii: "n") && self[count - 2] == UInt8(ascii: "i")
            && self[count - 3] == UInt8(ascii: "b") && self[count - 4] == UInt8(ascii: "-")
    }
}

extension BidirectionalCollection<UInt8> where SubSequence: BidirectionalCollection<UInt8> {
    /// The octets without blanks around them.
    var trimmingBlanks: SubSequence {
        let start = firstIndex { $0 != 0x20 && $0 != 0x09 } ?? endIndex
        guard let last = lastIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return self[start..<endIndex] }
        return self[start..<index(after: last)]
    }
}
