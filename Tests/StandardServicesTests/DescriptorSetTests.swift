import CarillonAPI
import SwiftProtobuf
import Testing

@testable import StandardServices

@Suite("Descriptors")
struct DescriptorSetTests {
    /// base.proto ← middle.proto ← top.proto, and a file that nobody imports.
    static let sample: DescriptorSet? = {
        let base = Google_Protobuf_FileDescriptorProto.with { file in
            file.name = "base.proto"
            file.package = "a.b"
            file.messageType = [
                .with { message in
                    message.name = "Outer"
                    message.field = [.with { $0.name = "text" }]
                    message.oneofDecl = [.with { $0.name = "choice" }]
                    message.nestedType = [.with { $0.name = "Inner" }]
                    message.enumType = [
                        .with { type in
                            type.name = "Kind"
                            type.value = [.with { $0.name = "FIRST" }]
                        }
                    ]
                }
            ]
        }
        let middle = Google_Protobuf_FileDescriptorProto.with { file in
            file.name = "middle.proto"
            file.package = "a.c"
            file.dependency = ["base.proto"]
            file.enumType = [
                .with { type in
                    type.name = "Color"
                    type.value = [.with { $0.name = "RED" }]
                }
            ]
            file.extension = [extending(".a.b.Outer", "far", 120), extending(".a.b.Outer", "near", 100)]
            file.messageType = [
                .with { message in
                    message.name = "Holder"
                    message.extension = [extending(".a.b.Outer", "inside", 110)]
                }
            ]
        }
        let top = Google_Protobuf_FileDescriptorProto.with { file in
            file.name = "top.proto"
            file.dependency = ["middle.proto", "base.proto", "missing.proto"]
            file.service = [
                .with { service in
                    service.name = "Bell"
                    service.method = [.with { $0.name = "Ring" }]
                }
            ]
        }
        let alone = Google_Protobuf_FileDescriptorProto.with { $0.name = "alone.proto" }
        return DescriptorSet(.with { $0.file = [base, middle, top, alone] })
    }()

    private static func extending(
        _ message: String, _ name: String, _ number: Int32
    ) -> Google_Protobuf_FieldDescriptorProto {
        .with {
            $0.extendee = message
            $0.name = name
            $0.number = number
        }
    }

    @Test(
        "find everything that has a full name",
        arguments: [
            ("a.b.Outer", 0), ("a.b.Outer.text", 0), ("a.b.Outer.choice", 0), ("a.b.Outer.Inner", 0),
            ("a.b.Outer.Kind", 0), ("a.b.Outer.FIRST", 0), ("a.c.Color", 1), ("a.c.RED", 1), ("a.c.near", 1),
            ("a.c.Holder", 1), ("a.c.Holder.inside", 1), ("Bell", 2), ("Bell.Ring", 2),
            // Not names: a value below its enum, a package, parts, the absolute form, a path.
            ("a.b.Outer.Kind.FIRST", nil), ("a.b", nil), ("Outer", nil), (".a.b.Outer", nil), ("", nil),
            ("a.b.Outer.", nil), ("Bell/Ring", nil), ("a.B.outer", nil),
        ] as [(String, Int?)])
    func symbols(name: String, file: Int?) throws {
        #expect(try #require(Self.sample).file(declaring: name) == file)
    }

    @Test("find files by their paths")
    func names() throws {
        let sample = try #require(Self.sample)
        #expect(sample.file(named: "middle.proto") == 1)
        #expect(sample.file(named: "Middle.proto") == nil)
        #expect(sample.file(named: "missing.proto") == nil)
    }

    @Test("find extensions by message and number")
    func extensions() throws {
        let sample = try #require(Self.sample)
        #expect(sample.extensionNumbers(of: "a.b.Outer") == [100, 110, 120])
        #expect(sample.extensionNumbers(of: "a.c.Holder") == [])
        #expect(sample.extensionNumbers(of: "a.c.Color") == nil)
        #expect(sample.file(extending: "a.b.Outer", with: 110) == 1)
        #expect(sample.file(extending: "a.b.Outer", with: 111) == nil)
        #expect(sample.file(extending: "no.Message", with: 110) == nil)
    }

    @Test(
        "give a file with all that it imports, each once",
        arguments: [(0, [0]), (1, [1, 0]), (2, [2, 1, 0]), (3, [3])])
    func closures(file: Int, expected: [Int]) throws {
        #expect(try #require(Self.sample).closure(of: file) == expected)
    }

    @Test("end with files that import each other")
    func circle() throws {
        let one = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "one"
            $0.dependency = ["two"]
        }
        let two = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "two"
            $0.dependency = ["one"]
        }
        #expect(try #require(DescriptorSet(.with { $0.file = [one, two] })).closure(of: 1) == [1, 0])
    }

    @Test(
        "are read from base64, or not at all",
        arguments: [("", true), ("CgUKA2EuYg==", true), ("*", false), ("/w", false)])
    func reading(text: String, isSet: Bool) {
        #expect((DescriptorSet(base64: text) != nil) == isSet)
    }

    @Test("of Carillon hold every service and what it takes")
    func carillon() throws {
        let set = try #require(DescriptorSet(base64: CarillonDescriptors.base64))
        for name in [
            "carillon.v1.TenantService", "carillon.v1.InboxService.WatchInbox", "carillon.v1.ContextValue",
            HealthService.name, "google.rpc.BadRequest", "google.protobuf.Timestamp",
        ] + ReflectionService.names {
            #expect(set.file(declaring: name) != nil, "\(name)")
        }
        // Nothing is imported that is not there.
        for file in set.files {
            let parsed = try Google_Protobuf_FileDescriptorProto(serializedBytes: file.descriptor)
            #expect(parsed.dependency.count == file.imports.count, "\(file.name)")
            #expect(!parsed.hasSourceCodeInfo)
        }
    }
}
