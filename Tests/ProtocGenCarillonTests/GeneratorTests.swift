import SwiftProtobuf
import SwiftProtobufPluginLibrary
import Testing
import protoc_gen_carillon

@Suite("What protoc-gen-carillon writes")
struct GeneratorTests {
    @Test("A service with a call of each kind")
    func everyKind() throws {
        let files = try generate(BellDescriptor.file())
        #expect(files.map(\.name) == ["bell_service.carillon.swift"])
        // By line, so that a failure names the line that differs.
        let lines = files[0].contents.split(separator: "\n", omittingEmptySubsequences: false)
        let golden = goldenBellService.split(separator: "\n", omittingEmptySubsequences: false)
        for (line, expected) in zip(lines, golden) {
            #expect(line == expected)
        }
        #expect(lines.count == golden.count)
    }

    @Test("The same descriptor gives the same bytes")
    func deterministic() throws {
        let once = try generate(BellDescriptor.file())[0].contents
        let again = try generate(BellDescriptor.file())[0].contents
        #expect(once == again)
    }

    @Test("A file without a service gives nothing")
    func noService() throws {
        var file = BellDescriptor.file()
        file.service = []
        #expect(try generate(file).isEmpty)
    }

    @Test(
        "FileNaming says what becomes of the folders",
        arguments: [
            ("FullPath", "tower/v1/bell_service.carillon.swift"),
            ("PathToUnderscores", "tower_v1_bell_service.carillon.swift"),
            ("DropPath", "bell_service.carillon.swift"),
        ])
    func fileNaming(value: String, name: String) throws {
        #expect(try generate(BellDescriptor.file(), "FileNaming=\(value)").map(\.name) == [name])
    }

    @Test(
        "Visibility modifies imports and declarations",
        arguments: [("Internal", ""), ("Package", "package "), ("Public", "public ")])
    func visibility(value: String, modifier: String) throws {
        let text = try generate(BellDescriptor.file(), "Visibility=\(value)")[0].contents
        let lines = Set(text.split(separator: "\n").map(String.init))
        #expect(lines.contains("\(modifier)import CarillonGRPC"))
        #expect(lines.contains("\(modifier)protocol BellServiceHandler: Sendable {"))
        #expect(lines.contains("    \(modifier)var rpcMethods: [RPCMethod] {"))
        #expect(lines.contains("\(modifier)struct BellServiceClient: Sendable {"))
    }

    @Test("A call without side effects says so, and no other")
    func noSideEffects() throws {
        var file = BellDescriptor.file()
        file.service[0].method[0].options.idempotencyLevel = .noSideEffects
        // Calls that stream cannot be made by GET.
        file.service[0].method[1].options.idempotencyLevel = .noSideEffects
        let lines = try generate(file)[0].contents.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " } }
        let row = try #require(lines.firstIndex(of: ".unary("))
        #expect(lines[row + 1] == "\"/tower.v1.BellService/Ring\",")
        #expect(lines[row + 2] == "hasNoSideEffects: true,")
        #expect(lines.count { $0.contains("hasNoSideEffects") } == 1)
        file.service[0].method[0].options.idempotencyLevel = .idempotent
        #expect(try !generate(file)[0].contents.contains("hasNoSideEffects"))
    }

    @Test("A keyword as a method's name is quoted where it is declared")
    func keyword() throws {
        let text = try generate(BellDescriptor.file(rename: ["Listen": "Import"]))[0].contents
        #expect(text.contains("    func `import`(_ request: Tower_V1_RingRequest, _ responses:"))
        #expect(text.contains("{ try await self.import($0, $1, $2) }"))
    }

    @Test("Messages that come with SwiftProtobuf bring their import")
    func bundledMessages() throws {
        var file = BellDescriptor.file()
        file.dependency = ["google/protobuf/empty.proto"]
        file.service[0].method[0].outputType = ".google.protobuf.Empty"
        let empty = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "google/protobuf/empty.proto"
            $0.package = "google.protobuf"
            $0.syntax = "proto3"
            $0.messageType = [.with { $0.name = "Empty" }]
        }
        let text = try generate(file, dependencies: [empty])[0].contents
        #expect(text.contains("package import CarillonGRPC\npackage import SwiftProtobuf\n"))
        #expect(text.contains("-> SwiftProtobuf.Google_Protobuf_Empty"))
    }

    @Test(
        "Wrong options stop the run and are named",
        arguments: [
            ("Colour=Red", "unknown option 'Colour'; known are Visibility and FileNaming"),
            ("Visibility=Secret", "option Visibility has no value 'Secret'"),
            ("FileNaming", "option FileNaming has no value ''"),
        ])
    func wrongOptions(parameter: String, message: String) throws {
        let error = #expect(throws: GeneratorError.self) { try generate(BellDescriptor.file(), parameter) }
        #expect(error?.description == message)
    }

    @Test(
        "Names that would be declared twice stop the run and are named",
        arguments: [
            (["Peal": "Ring"], "ring"), (["Peal": "RingInline"], "ringInline"), (["Peal": "RpcMethods"], "rpcMethods"),
        ])
    func clashes(rename: [String: String], name: String) throws {
        let error = #expect(throws: GeneratorError.self) { try generate(BellDescriptor.file(rename: rename)) }
        #expect(
            error?.description
                == "tower/v1/bell_service.proto: service tower.v1.BellService needs the Swift name '\(name)' twice")
    }

    private func generate(
        _ file: Google_Protobuf_FileDescriptorProto,
        _ parameter: String = "",
        dependencies: [Google_Protobuf_FileDescriptorProto] = []
    ) throws -> [(name: String, contents: String)] {
        let outputs = CollectedOutputs()
        let descriptors = DescriptorSet(protos: dependencies + [file])
        try CarillonGenerator().generate(
            files: descriptors.files.filter { $0.name == file.name },
            parameter: Parameter(parameter: parameter),
            protoCompilerContext: Compiler(),
            generatorOutputs: outputs
        )
        return outputs.files
    }
}
