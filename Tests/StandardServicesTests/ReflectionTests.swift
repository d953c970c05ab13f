import CarillonAPI
import CarillonGRPC
import SwiftProtobuf
import Testing

@testable import StandardServices

private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
private typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

@Suite("grpc.reflection", .timeLimit(.minutes(5)))
struct ReflectionTests {
    /// One stream: what is asked in order, and the names of the files or the words that come back.
    private struct Conversation {
        let directory: ReflectionDirectory
        var sent: Set<Int> = []

        init() throws {
            directory = ReflectionDirectory(
                descriptors: try #require(DescriptorSetTests.sample), services: ["Bell"], nameLength: 100)
        }

        mutating func ask(_ question: Request.OneOf_MessageRequest?) throws -> [String] {
            let request = Request.with {
                $0.host = "here"
                $0.messageRequest = question
            }
            let response = try directory.response(to: request, sent: &sent)
            #expect(response.validHost == "here" && response.originalRequest == request)
            switch response.messageResponse {
            case .fileDescriptorResponse(let files):
                return try files.fileDescriptorProto.map {
                    try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name
                }
            case .allExtensionNumbersResponse(let numbers):
                return [numbers.baseTypeName] + numbers.extensionNumber.map(String.init)
            case .listServicesResponse(let list): return list.service.map(\.name)
            case .errorResponse(let error): return ["error \(error.errorCode)", error.errorMessage]
            case nil: return []
            }
        }
    }

    @Test("answers what is there, and goes on after what is not")
    func transcript() throws {
        var stream = try Conversation()
        #expect(try stream.ask(.listServices("*")) == ["Bell"])
        #expect(try stream.ask(.fileContainingSymbol("no.Thing")) == ["error 5", "there is no symbol no.Thing"])
        #expect(try stream.ask(.fileByFilename("none.proto")) == ["error 5", "there is no file none.proto"])
        #expect(try stream.ask(nil).first == "error 3")
        #expect(try stream.ask(.allExtensionNumbersOfType("a.b.Outer")) == ["a.b.Outer", "100", "110", "120"])
        #expect(try stream.ask(.allExtensionNumbersOfType("a.c.Holder")) == ["a.c.Holder"])
        #expect(try stream.ask(.allExtensionNumbersOfType("a.c.Color")).first == "error 5")
        let missing = Grpc_Reflection_V1_ExtensionRequest.with {
            $0.containingType = "a.b.Outer"
            $0.extensionNumber = 7
        }
        #expect(
            try stream.ask(.fileContainingExtension(missing)) == ["error 5", "there is no extension 7 of a.b.Outer"])
    }

    @Test("sends a file with its imports first, and later without what was sent")
    func imports() throws {
        var stream = try Conversation()
        #expect(try stream.ask(.fileContainingSymbol("a.c.Color")) == ["middle.proto", "base.proto"])
        #expect(try stream.ask(.fileContainingSymbol("Bell.Ring")) == ["top.proto"])
        // Who asks for the same again gets it again.
        #expect(try stream.ask(.fileByFilename("base.proto")) == ["base.proto"])
        var another = try Conversation()
        #expect(try another.ask(.fileContainingSymbol("Bell")) == ["top.proto", "middle.proto", "base.proto"])
        let known = Grpc_Reflection_V1_ExtensionRequest.with {
            $0.containingType = "a.b.Outer"
            $0.extensionNumber = 110
        }
        #expect(try another.ask(.fileContainingExtension(known)) == ["middle.proto"])
    }

    @Test("refuses names that nothing can have")
    func longNames() throws {
        var stream = try Conversation()
        #expect(try stream.ask(.fileContainingSymbol(String(repeating: "a", count: 100))).first == "error 5")
        let long = String(repeating: "a", count: 101)
        for question: Request.OneOf_MessageRequest in [
            .fileContainingSymbol(long), .fileByFilename(long), .allExtensionNumbersOfType(long), .listServices(long),
            .fileContainingExtension(.with { $0.containingType = long }),
        ] {
            let refusal = #expect(throws: Status.self) { try stream.ask(question) }
            #expect(refusal?.code == .invalidArgument)
        }
    }

    @Test("speaks v1 and v1alpha on streams that stay open")
    func streams() async throws {
        try await StandardServer.run { server in
            let client = try server.client()
            try await Self.converse(
                try await client.bidirectionalStreaming("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"))
            try await Self.converse(
                try await client.bidirectionalStreaming(
                    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"))
        }
    }

    private static func converse(_ call: (RequestWriter<Request>, ResponseReader<Response>)) async throws {
        let (writer, reader) = call
        var answers = reader.makeAsyncIterator()
        try await writer.send(.with { $0.fileContainingSymbol = "no.Thing" })
        #expect(try await answers.next()?.errorResponse.errorCode == 5)
        try await writer.send(.with { $0.listServices = "" })
        #expect(
            try await answers.next()?.listServicesResponse.service.map(\.name) == [
                "carillon.v1.InboxService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            ])
        try await writer.send(.with { $0.fileContainingSymbol = "carillon.v1.InboxService" })
        let files = try await answers.next()?.fileDescriptorResponse.fileDescriptorProto ?? []
        #expect(files.count > 1)
        writer.finish()
        #expect(try await answers.next() == nil)
    }

    @Test("ends its streams when the server ends, at once")
    func draining() async throws {
        try await StandardServer.run { server in
            let client = try server.client()
            let (writer, reader): (RequestWriter<Request>, ResponseReader<Response>) =
                try await client.bidirectionalStreaming("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
            try await writer.send(.with { $0.listServices = "" })
            var answers = reader.makeAsyncIterator()
            #expect(try await answers.next() != nil)
            #expect(await server.drain(grace: .seconds(30)) < .seconds(15))
            #expect(await failure { try await answers.next() }?.code == .unavailable)
        }
    }

    @Test("bounds its streams, for the server and for a connection")
    func bounds() async throws {
        let limits: (inout StandardServiceLimits) -> Void = {
            $0.reflectionStreams = 3
            $0.reflectionStreamsPerConnection = 2
        }
        try await StandardServer.run(limits: limits) { server in
            let (first, second) = (try server.client(), try server.client())
            // Kept, since a call that nobody reads any more is cancelled.
            var open = [try await Self.open(first), try await Self.open(first)]
            #expect(await failure { try await Self.open(first) }?.code == .resourceExhausted)
            open.append(try await Self.open(second))
            #expect(await failure { try await Self.open(second) }?.code == .resourceExhausted)
            open[0].0.finish()
            var refusal: Status? = Status(.resourceExhausted, "")
            while refusal?.code == .resourceExhausted { refusal = await failure { try await Self.open(second) } }
            #expect(refusal == nil)
            withExtendedLifetime(open) {}
        }
    }

    private static func open(_ client: RPCClient) async throws -> (RequestWriter<Request>, ResponseReader<Response>) {
        let call: (RequestWriter<Request>, ResponseReader<Response>) =
            try await client.bidirectionalStreaming("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        try await call.0.send(.with { $0.listServices = "" })
        var answers = call.1.makeAsyncIterator()
        #expect(try await answers.next() != nil)
        return call
    }
}
