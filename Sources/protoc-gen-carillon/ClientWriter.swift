import SwiftProtobufPluginLibrary

/// Prints the client's half of a service: a struct with one method a call.
struct ClientWriter {
    /// Name of the service, such as `InboxService`.
    let service: String
    /// Comment of the service.
    let documentation: String
    let methods: [ServiceMethod]
    let options: GeneratorOptions

    private var visibility: String { options.visibility.modifier }

    func write(to printer: inout CodePrinter) {
        printer.print()
        printer.print(documentation, newlines: false)
        printer.print("\(visibility)struct \(service)Client: Sendable {")
        printer.withIndentation { printer in
            printer.print(
                "private let client: RPCClient",
                "",
                "/// Calls go over `client`, which may serve other services too.",
                "\(visibility)init(_ client: RPCClient) {"
            )
            printer.printIndented("self.client = client")
            printer.print("}")
            for method in methods {
                printer.print()
                printer.print(method.documentation, newlines: false)
                printer.print("\(visibility)\(signature(of: method)) {")
                printer.printIndented("try await client.\(call(of: method))")
                printer.print("}")
            }
        }
        printer.print("}")
    }

    private func signature(of method: ServiceMethod) -> String {
        let request =
            switch method.kind {
            case .unary, .serverStreaming: "_ request: \(method.request), "
            case .clientStreaming, .bidirectionalStreaming: ""
            }
        let result =
            switch method.kind {
            case .unary: method.response
            case .serverStreaming: "ResponseReader<\(method.response)>"
            case .clientStreaming, .bidirectionalStreaming:
                "(RequestWriter<\(method.request)>, ResponseReader<\(method.response)>)"
            }
        return "func \(method.declaredName)(\(request)options: CallOptions = .init()) async throws(Status) -> \(result)"
    }

    private func call(of method: ServiceMethod) -> String {
        switch method.kind {
        case .unary: "unary(\"\(method.path)\", request, options: options)"
        case .serverStreaming: "serverStreaming(\"\(method.path)\", request, options: options)"
        case .clientStreaming: "clientStreaming(\"\(method.path)\", options: options)"
        case .bidirectionalStreaming: "bidirectionalStreaming(\"\(method.path)\", options: options)"
        }
    }
}
