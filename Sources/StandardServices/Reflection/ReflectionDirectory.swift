internal import CarillonAPI
internal import CarillonGRPC
internal import SwiftProtobuf

/// Answers the questions of grpc.reflection. A value, any thread.
struct ReflectionDirectory: Sendable {
    typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
    typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

    let descriptors: DescriptorSet
    /// Full names, in order.
    let services: [String]
    /// The longest name that is looked up, in octets.
    let nameLength: Int

    /// The answer to one request of a stream.
    ///
    /// - Parameter sent: the files that the stream was sent already. Imports among them are left out, as the protocol allows;
    ///   the file that is asked for is always there.
    /// - Throws: INVALID_ARGUMENT, which ends the stream, for names that nothing can have.
    func response(to request: Request, sent: inout Set<Int>) throws(Status) -> Response {
        try check(request)
        var response = Response()
        response.validHost = request.host
        response.originalRequest = request
        response.messageResponse = answer(to: request, sent: &sent)
        return response
    }

    private func answer(to request: Request, sent: inout Set<Int>) -> Response.OneOf_MessageResponse {
        switch request.messageRequest {
        case .listServices:
            return .listServicesResponse(
                .with { list in
                    list.service = services.map { name in Grpc_Reflection_V1_ServiceResponse.with { $0.name = name } }
                })
        case .fileByFilename(let name):
            return files(descriptors.file(named: name), &sent) ?? notFound("file", name)
        case .fileContainingSymbol(let symbol):
            return files(descriptors.file(declaring: symbol), &sent) ?? notFound("symbol", symbol)
        case .fileContainingExtension(let wanted):
            let file = descriptors.file(extending: wanted.containingType, with: wanted.extensionNumber)
            return files(file, &sent) ?? notFound("extension \(wanted.extensionNumber) of", wanted.containingType)
        case .allExtensionNumbersOfType(let type):
            guard let numbers = descriptors.extensionNumbers(of: type) else { return notFound("message", type) }
            return .allExtensionNumbersResponse(
                .with {
                    $0.baseTypeName = type
                    $0.extensionNumber = numbers
                })
        case nil: return error(.invalidArgument, "the request asks for nothing that this server knows")
        }
    }

    private func files(_ file: Int?, _ sent: inout Set<Int>) -> Response.OneOf_MessageResponse? {
        guard let file else { return nil }
        let wanted = descriptors.closure(of: file).filter { $0 == file || !sent.contains($0) }
        sent.formUnion(wanted)
        return .fileDescriptorResponse(
            .with { $0.fileDescriptorProto = wanted.map { descriptors.files[$0].descriptor } })
    }

    private func notFound(_ what: String, _ name: String) -> Response.OneOf_MessageResponse {
        error(.notFound, "there is no \(what) \(name)")
    }

    private func error(_ code: StatusCode, _ message: String) -> Response.OneOf_MessageResponse {
        .errorResponse(
            .with {
                $0.errorCode = Int32(code.rawValue)
                $0.errorMessage = message
            })
    }

    private func check(_ request: Request) throws(Status) {
        let name =
            switch request.messageRequest {
            case .fileByFilename(let name), .fileContainingSymbol(let name), .allExtensionNumbersOfType(let name): name
            case .fileContainingExtension(let wanted): wanted.containingType
            // Its text means nothing.
            case .listServices(let text): text
            case nil: ""
            }
        guard max(name.utf8.count, request.host.utf8.count) <= nameLength else {
            throw Status(.invalidArgument, "no name is longer than \(nameLength) octets")
        }
    }
}
