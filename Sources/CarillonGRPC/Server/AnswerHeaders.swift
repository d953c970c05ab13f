internal import CarillonNet

/// The header blocks of answers. A call is answered with the content type that it used.
enum AnswerHeaders {
    case plain
    case proto

    /// Fields before the first message.
    var block: StaticHeaderBlock {
        switch self {
        case .plain: Self.plainBlock
        case .proto: Self.protoBlock
        }
    }

    /// The same fields as a block that an error is added to.
    var leadingBlock: HeaderBlock {
        var block = HeaderBlock()
        block.append(":status", "200")
        block.append("content-type", self == .plain ? "application/grpc" : "application/grpc+proto")
        block.append("grpc-accept-encoding", "identity")
        return block
    }

    private static let plainBlock = StaticHeaderBlock([
        ":status": "200", "content-type": "application/grpc", "grpc-accept-encoding": "identity",
    ])
    private static let protoBlock = StaticHeaderBlock([
        ":status": "200", "content-type": "application/grpc+proto", "grpc-accept-encoding": "identity",
    ])
    /// Trailers of a call that went well.
    static let okTrailers = StaticHeaderBlock(["grpc-status": "0"])
}
