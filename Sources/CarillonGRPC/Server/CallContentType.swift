internal import CarillonNet
internal import SwiftProtobuf

/// The media types of calls: each stands for one dialect and one codec. A call is answered with the type that it used.
enum CallContentType: UInt8, Sendable, CaseIterable {
    case grpc
    case grpcProto
    case grpcJSON
    case web
    case webProto
    case webJSON
    case connectProto
    case connectJSON
    case connectStreamProto
    case connectStreamJSON

    /// Reads a `content-type`. Parameters such as `charset` mean nothing; case does not matter (RFC 9110 §8.3.1).
    ///
    /// - Returns: `nil` for everything that is not a call that this server speaks.
    init?(_ value: UnsafeRawBufferPointer) {
        // Nearly every gRPC client sends this one as it stands here.
        if value.matches("application/grpc") {
            self = .grpc
            return
        }
        let type = value.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        for candidate in Self.allCases where Self.isEqual(type, candidate.name) {
            self = candidate
            return
        }
        return nil
    }

    /// Whether a `content-type` is that of gRPC in any form, of such as this server does not speak too
    /// (`application/grpc+thrift`), but for gRPC-Web.
    static func isGRPC(_ value: UnsafeRawBufferPointer) -> Bool {
        func begins(with family: StaticString) -> Bool {
            value.count >= family.utf8CodeUnitCount && isEqual(value.prefix(family.utf8CodeUnitCount), family)
        }
        return begins(with: "application/grpc") && !begins(with: "application/grpc-web")
    }

    private static func isEqual(_ octets: Slice<UnsafeRawBufferPointer>, _ literal: StaticString) -> Bool {
        octets.count == literal.utf8CodeUnitCount
            && zip(octets, literal.octets).allSatisfy { octet, expected in
                octet == expected
                    || (octet | 0x20 == expected && (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet))
            }
    }

    /// The type as it is written in `content-type`.
    var name: StaticString {
        switch self {
        case .grpc: "application/grpc"
        case .grpcProto: "application/grpc+proto"
        case .grpcJSON: "application/grpc+json"
        case .web: "application/grpc-web"
        case .webProto: "application/grpc-web+proto"
        case .webJSON: "application/grpc-web+json"
        case .connectProto: "application/proto"
        case .connectJSON: "application/json"
        case .connectStreamProto: "application/connect+proto"
        case .connectStreamJSON: "application/connect+json"
        }
    }

    /// All types, for `accept-post`.
    static let accepted = allCases.map { $0.name.description }.joined(separator: ", ")

    var dialect: Dialect {
        switch self {
        case .grpc, .grpcProto, .grpcJSON: .grpc
        case .web, .webProto, .webJSON: .grpcWeb
        case .connectProto, .connectJSON: .connectUnary
        case .connectStreamProto, .connectStreamJSON: .connectStream
        }
    }

    var codec: MessageCodec {
        switch self {
        case .grpc, .grpcProto, .web, .webProto, .connectProto, .connectStreamProto: .proto
        case .grpcJSON, .webJSON, .connectJSON, .connectStreamJSON: .json
        }
    }

    /// The constant header block of an answer that goes well, without metadata and without compression.
    var block: StaticHeaderBlock {
        switch self {
        case .grpc: Self.grpcBlock
        case .grpcProto: Self.grpcProtoBlock
        default: Self.otherBlocks[Int(rawValue)]
        }
    }

    private static let grpcBlock = makeBlock(.grpc)
    private static let grpcProtoBlock = makeBlock(.grpcProto)
    private static let otherBlocks = allCases.map { makeBlock($0) }

    private static func makeBlock(_ type: CallContentType) -> StaticHeaderBlock {
        switch type.dialect {
        case .grpc, .grpcWeb:
            StaticHeaderBlock([
                ":status": "200", "content-type": type.name, "grpc-accept-encoding": "identity,gzip",
            ])
        case .connectStream:
            StaticHeaderBlock([":status": "200", "content-type": type.name, "connect-accept-encoding": "gzip"])
        case .connectUnary:
            StaticHeaderBlock([":status": "200", "content-type": type.name, "accept-encoding": "gzip"])
        }
    }

    /// The same fields as a block that others are added to.
    ///
    /// - Parameter compresses: whether messages of the answer may be compressed, which is said up front.
    func leadingBlock(compresses: Bool) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":status", "200")
        block.append("content-type", name.description)
        switch dialect {
        case .grpc, .grpcWeb:
            block.append("grpc-accept-encoding", "identity,gzip")
            if compresses { block.append("grpc-encoding", "gzip") }
        case .connectStream:
            block.append("connect-accept-encoding", "gzip")
            if compresses { block.append("connect-content-encoding", "gzip") }
        case .connectUnary:
            block.append("accept-encoding", "gzip")
            if compresses { block.append("content-encoding", "gzip") }
        }
        return block
    }

    /// Trailers of a gRPC call that went well.
    static let okTrailers = StaticHeaderBlock(["grpc-status": "0"])
}

// MARK: - Messages

extension CallContentType {
    /// Whether messages are Protocol Buffers behind gRPC's prefix.
    var isBinaryGRPC: Bool { self == .grpc || self == .grpcProto }

    /// Reads a message. What cannot be read is the caller's fault in Connect and an internal error in gRPC, as their
    /// specifications have it.
    func parse<Parsed: Message>(_ bytes: UnsafeRawBufferPointer) throws(Status) -> Parsed {
        do throws(Status) {
            return codec == .json ? try JSONCodec.decode(bytes) : try MessageFrame.parse(bytes)
        } catch {
            let isGRPC = dialect == .grpc || dialect == .grpcWeb
            throw Status(isGRPC ? .internalError : .invalidArgument, error.message)
        }
    }

    /// Writes a message without any prefix.
    func serialize(_ message: some Message) throws(Status) -> [UInt8] {
        guard codec == .proto else { return try JSONCodec.encode(message) }
        do {
            return try message.serializedBytes()
        } catch {
            throw Status(.internalError, "the message cannot be serialized")
        }
    }
}
