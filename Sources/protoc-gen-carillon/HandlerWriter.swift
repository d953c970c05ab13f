import SwiftProtobufPluginLibrary

/// Prints the server's half of a service: the handler protocol, its defaults and its method table.
struct HandlerWriter {
    /// Name of the service, such as `InboxService`.
    let service: String
    /// Comment of the service.
    let documentation: String
    let methods: [ServiceMethod]
    let options: GeneratorOptions

    private var visibility: String { options.visibility.modifier }

    func write(to printer: inout CodePrinter) {
        writeProtocol(to: &printer)
        writeDefaults(to: &printer)
        writeTable(to: &printer)
    }

    private func writeProtocol(to printer: inout CodePrinter) {
        printer.print()
        printer.print(documentation, newlines: false)
        printer.print("\(visibility)protocol \(service)Handler: Sendable {")
        printer.withIndentation { printer in
            for (index, method) in methods.enumerated() {
                if index > 0 { printer.print() }
                printer.print(method.documentation, newlines: false)
                printer.print(signature(of: method))
                guard method.kind == .unary else { continue }
                printer.print(
                    "",
                    "/// Answers \(method.name) at once, on the connection's loop and without a task; nil leaves the call to the",
                    "/// asynchronous method. Declines unless implemented.",
                    inlineSignature(of: method)
                )
            }
        }
        printer.print("}")
    }

    private func writeDefaults(to printer: inout CodePrinter) {
        let unary = methods.filter { $0.kind == .unary }
        guard !unary.isEmpty else { return }
        printer.print("", "extension \(service)Handler {")
        printer.withIndentation { printer in
            for (index, method) in unary.enumerated() {
                if index > 0 { printer.print() }
                printer.print("/// Leaves the call to the asynchronous method.")
                printer.print("\(visibility)\(inlineSignature(of: method)) {")
                printer.printIndented("nil")
                printer.print("}")
            }
        }
        printer.print("}")
    }

    private func writeTable(to printer: inout CodePrinter) {
        printer.print("", "extension \(service)Handler {")
        printer.withIndentation { printer in
            printer.print("/// The calls of this service as rows of the server's method table.")
            printer.print("\(visibility)var rpcMethods: [RPCMethod] {")
            printer.withIndentation { printer in
                printer.print("[")
                printer.withIndentation { printer in
                    for method in methods {
                        writeRow(of: method, to: &printer)
                    }
                }
                printer.print("]")
            }
            printer.print("}")
        }
        printer.print("}")
    }

    private func signature(of method: ServiceMethod) -> String {
        let parameters =
            switch method.kind {
            case .unary:
                "_ request: \(method.request), _ context: CallContext"
            case .serverStreaming:
                "_ request: \(method.request), _ responses: ResponseWriter<\(method.response)>, _ context: CallContext"
            case .clientStreaming:
                "_ requests: RequestReader<\(method.request)>, _ context: CallContext"
            case .bidirectionalStreaming:
                "_ requests: RequestReader<\(method.request)>, _ responses: ResponseWriter<\(method.response)>, "
                    + "_ context: CallContext"
            }
        let result =
            switch method.kind {
            case .unary, .clientStreaming: " -> \(method.response)"
            case .serverStreaming, .bidirectionalStreaming: ""
            }
        return "func \(method.declaredName)(\(parameters)) async throws\(result)"
    }

    private func inlineSignature(of method: ServiceMethod) -> String {
        "func \(method.inlineName)(_ request: \(method.request), _ context: CallContext) throws -> \(method.response)?"
    }

    private func writeRow(of method: ServiceMethod, to printer: inout CodePrinter) {
        switch method.kind {
        case .unary:
            printer.print(".unary(")
            printer.withIndentation { printer in
                printer.print("\"\(method.path)\",")
                if method.hasNoSideEffects { printer.print("hasNoSideEffects: true,") }
                // Written out here, where the messages' types are known: generic code looks them up for each call.
                printer.print("atOnce: {")
                printer.printIndented(
                    "guard let response = try self.\(method.inlineName)($0, $1) else { return false }",
                    "try $1.reply(response)",
                    "return true"
                )
                printer.print("},", "async: { try await self.\(method.name)($0, $1) }")
            }
            printer.print("),")
        case .serverStreaming:
            printer.print(".serverStreaming(\"\(method.path)\") { try await self.\(method.name)($0, $1, $2) },")
        case .clientStreaming:
            printer.print(".clientStreaming(\"\(method.path)\") { try await self.\(method.name)($0, $1) },")
        case .bidirectionalStreaming:
            printer.print(".bidirectionalStreaming(\"\(method.path)\") { try await self.\(method.name)($0, $1, $2) },")
        }
    }
}
