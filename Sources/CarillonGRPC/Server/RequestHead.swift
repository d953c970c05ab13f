internal import CarillonNet

/// What a request's header block says to this layer, read once.
struct RequestHead {
    enum Kind {
        /// A gRPC call.
        case call
        /// A plain HTTP request.
        case page
    }
    var kind = Kind.page
    var answerHeaders = AnswerHeaders.plain
    var timeout: Duration?
    /// What is wrong with a gRPC call's own header fields.
    var problem: Status?
    private(set) var isPost = false
    private(set) var isGet = false

    init(_ block: HeaderBlock) {
        block.visit { name, value in
            // The lengths tell most fields apart before any octet is compared.
            switch name.count {
            case 7 where name.elementsEqual(Self.method.octets):
                isPost = value.elementsEqual(Self.post.octets)
                isGet = value.elementsEqual(Self.get.octets)
            case 12:
                if name.elementsEqual(Self.contentType.octets) {
                    readContentType(value)
                } else if name.elementsEqual(Self.grpcTimeout.octets) {
                    timeout = GRPCTimeout.parse(value)
                    if timeout == nil { problem = Status(.internalError, "the header grpc-timeout is malformed") }
                }
            case 13 where name.elementsEqual(Self.grpcEncoding.octets):
                guard !value.elementsEqual(Self.identity.octets) else { return }
                problem = Status(.unimplemented, "the message encoding is not supported; see grpc-accept-encoding")
            default: break
            }
        }
    }

    private mutating func readContentType(_ value: UnsafeRawBufferPointer) {
        let type = value.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        if Self.matches(type, Self.grpc) {
            kind = .call
        } else if Self.matches(type, Self.grpcProto) {
            kind = .call
            answerHeaders = .proto
        }
    }

    private static func matches(_ octets: Slice<UnsafeRawBufferPointer>, _ literal: StaticString) -> Bool {
        octets.count == literal.utf8CodeUnitCount
            && zip(octets, literal.octets).allSatisfy { octet, expected in
                octet == expected || (octet | 0x20 == expected && octet < UInt8(ascii: "["))
            }
    }

    private static let method: StaticString = ":method"
    private static let post: StaticString = "POST"
    private static let get: StaticString = "GET"
    private static let contentType: StaticString = "content-type"
    private static let grpcTimeout: StaticString = "grpc-timeout"
    private static let grpcEncoding: StaticString = "grpc-encoding"
    private static let identity: StaticString = "identity"
    private static let grpc: StaticString = "application/grpc"
    private static let grpcProto: StaticString = "application/grpc+proto"
}
