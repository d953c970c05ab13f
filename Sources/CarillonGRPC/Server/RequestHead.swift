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
            case 7 where name.matches(":method"):
                isPost = value.matches("POST")
                isGet = value.matches("GET")
            case 12:
                if name.matches("content-type") {
                    readContentType(value)
                } else if name.matches("grpc-timeout") {
                    timeout = GRPCTimeout.parse(value)
                    if timeout == nil { problem = Status(.internalError, "the header grpc-timeout is malformed") }
                }
            case 13 where name.matches("grpc-encoding"):
                guard !value.matches("identity") else { return }
                problem = Status(.unimplemented, "the message encoding is not supported; see grpc-accept-encoding")
            default: break
            }
        }
    }

    private mutating func readContentType(_ value: UnsafeRawBufferPointer) {
        // Nearly every client sends one of the two as they stand here.
        if value.matches("application/grpc") {
            kind = .call
            return
        }
        let type = value.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        if Self.isEqual(type, "application/grpc") {
            kind = .call
        } else if Self.isEqual(type, "application/grpc+proto") {
            kind = .call
            answerHeaders = .proto
        }
    }

    /// Compares a media type, whose case does not matter (RFC 9110 §8.3.1).
    private static func isEqual(_ octets: Slice<UnsafeRawBufferPointer>, _ literal: StaticString) -> Bool {
        octets.count == literal.utf8CodeUnitCount
            && zip(octets, literal.octets).allSatisfy { octet, expected in
                octet == expected || (octet | 0x20 == expected && octet < UInt8(ascii: "["))
            }
    }
}
