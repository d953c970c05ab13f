import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// One call of a service: its Swift names, its path on the wire and its kind.
struct ServiceMethod {
    /// Which sides send more than one message.
    enum Kind {
        case unary
        case serverStreaming
        case clientStreaming
        case bidirectionalStreaming
    }

    let kind: Kind
    /// Swift name without backticks, such as `listInbox`.
    let name: String
    /// Path on the wire, such as `/carillon.v1.InboxService/ListInbox`.
    let path: String
    /// Swift type of the request, such as `Carillon_V1_ListInboxRequest`.
    let request: String
    /// Swift type of the response.
    let response: String
    /// Whether the .proto file says `option idempotency_level = NO_SIDE_EFFECTS`: the call may be made by GET.
    let hasNoSideEffects: Bool
    /// The comment of the .proto file as lines that begin with `///`; empty when there is none.
    let documentation: String

    init(_ method: MethodDescriptor, namer: SwiftProtobufNamer) {
        kind =
            switch (method.clientStreaming, method.serverStreaming) {
            case (false, false): .unary
            case (false, true): .serverStreaming
            case (true, false): .clientStreaming
            case (true, true): .bidirectionalStreaming
            }
        name = NamingUtils.toLowerCamelCase(method.name)
        path = "/\(method.service.fullName)/\(method.name)"
        request = namer.fullName(message: method.inputType)
        response = namer.fullName(message: method.outputType)
        hasNoSideEffects = method.options.idempotencyLevel == .noSideEffects
        documentation = method.protoSourceComments()
    }

    /// The name as it stands in a declaration.
    var declaredName: String {
        isQuotableKeyword ? "`\(name)`" : name
    }

    /// The name of the inline method of a unary call.
    var inlineName: String { name + "Inline" }

    /// Every name that the call takes in the handler protocol.
    var handlerNames: [String] {
        kind == .unary ? [name, inlineName] : [name]
    }

    private var isQuotableKeyword: Bool {
        swiftKeywordsUsedInDeclarations.contains(name)
            || swiftKeywordsUsedInStatements.contains(name)
            || swiftKeywordsUsedInExpressionsAndTypes.contains(name)
    }
}
