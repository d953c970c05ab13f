import Foundation
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

@Suite struct JSONCodecTests {
    private static func decode<Parsed: Message>(
        _ text: String, as type: Parsed.Type = Parsed.self
    ) throws(Status) -> Parsed {
        try Array(text.utf8).withUnsafeBytes { bytes in
            Result { () throws(Status) -> Parsed in try JSONCodec.decode(bytes) }
        }.get()
    }

    private static func status<Parsed: Message>(_ text: String, as type: Parsed.Type) -> Status? {
        do throws(Status) {
            _ = try decode(text, as: type)
            return nil
        } catch {
            return error
        }
    }

    @Test func theMappingIsTheLibrarys() throws {
        var option = Google_Protobuf_UninterpretedOption()
        option.positiveIntValue = .max
        option.stringValue = Data([1, 2, 255])
        option.doubleValue = 1.5
        let expected = #"{"positiveIntValue":"18446744073709551615","doubleValue":1.5,"stringValue":"AQL/"}"#
        #expect(String(decoding: try JSONCodec.encode(option), as: UTF8.self) == expected)
        #expect(try Self.decode(expected) == option)
        var field = Google_Protobuf_FieldDescriptorProto()
        field.type = .int64
        #expect(String(decoding: try JSONCodec.encode(field), as: UTF8.self) == #"{"type":"TYPE_INT64"}"#)
    }

    @Test func bothKindsOfNamesAreRead() throws {
        for text in [#"{"jsonName":"x"}"#, #"{"json_name":"x"}"#] {
            #expect(try Self.decode(text, as: Google_Protobuf_FieldDescriptorProto.self).jsonName == "x")
        }
    }

    @Test func unknownFieldsAndNamesArePassedOver() throws {
        let text = #"{"later":{"a":[1,{"b":null}],"c":"d"},"name":"x","type":"TYPE_OF_TOMORROW"}"#
        let field = try Self.decode(text, as: Google_Protobuf_FieldDescriptorProto.self)
        #expect(field.name == "x")
        #expect(!field.hasType)
    }

    @Test(arguments: [
        "", " ", "null", "[]", "{", "{]", "{}{}", #"{"name":1}"#, #"{"name":"x""#, "{\"name\":\"\u{1}\"}",
        #"{"name":"\ud800"}"#,
        #"{name:"x"}"#, #"{"name":"x",}"#, #"{"number":2147483648}"#,
    ])
    func whatIsNotTheMessagesJSONIsTheCallersMistake(text: String) {
        #expect(Self.status(text, as: Google_Protobuf_FieldDescriptorProto.self)?.code == .invalidArgument)
    }

    @Test func invalidUTF8IsRefused() {
        let octets = Array(#"{"name":""#.utf8) + [0xff, 0xc0] + Array(#""}"#.utf8)
        let error = #expect(throws: Status.self) {
            let _: Google_Protobuf_FieldDescriptorProto = try octets.withUnsafeBytes { try JSONCodec.decode($0) }
        }
        #expect(error?.code == .invalidArgument)
    }

    /// The words say what kind of mistake it is and hold nothing of what the caller sent.
    @Test func theMessageNamesTheMistake() throws {
        let error = try #require(Self.status(#"{"number":"secret"}"#, as: Google_Protobuf_FieldDescriptorProto.self))
        #expect(error.message.contains("google.protobuf.FieldDescriptorProto"))
        #expect(error.message.contains("malformed"), "\(error.message)")
        #expect(!error.message.contains("secret"))
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: #"{"nestedType":["#, count: depth) + "{}" + String(repeating: "]}", count: depth)
    }

    @Test func depthIsBounded() throws {
        typealias Parsed = Google_Protobuf_DescriptorProto
        #expect(throws: Never.self) { try Self.decode(Self.nested(31), as: Parsed.self) }
        #expect(Self.status(Self.nested(32), as: Parsed.self)?.code == .invalidArgument)
        for depth in [1000, 100_000] {
            let bombs = [
                Self.nested(depth),
                #"{"unknown":"# + String(repeating: #"{"a":"#, count: depth) + "1"
                    + String(repeating: "}", count: depth) + "}",
                #"{"unknown":"# + String(repeating: #"[{"a":"#, count: depth),
            ]
            for bomb in bombs { #expect(Self.status(bomb, as: Parsed.self)?.code == .invalidArgument) }
        }
    }

    /// `Value` and `Struct` are read by code of their own in the library.
    @Test(arguments: [100, 100_000])
    func depthOfFreeFormValuesIsBounded(depth: Int) {
        let arrays = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let objects = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        for bomb in [arrays, objects, #"{"a":"# + arrays + "}"] {
            #expect(Self.status(bomb, as: Google_Protobuf_Value.self)?.code == .invalidArgument)
            #expect(Self.status(bomb, as: Google_Protobuf_Struct.self)?.code == .invalidArgument)
        }
        #expect(Self.status(arrays, as: Google_Protobuf_ListValue.self)?.code == .invalidArgument)
    }

    /// Eight times the octets may take somewhat more than eight times the work, but far from 64 times.
    @Test(arguments: [
        Bomb(head: "{", unit: #""u":1,"#, tail: #""v":2}"#), Bomb(head: #"{"u":["#, unit: "[],", tail: "1]}"),
        Bomb(head: #"{"u":"#, unit: "[", tail: ""), Bomb(head: #"{"name":""#, unit: #"\n"#, tail: #""}"#),
        Bomb(head: #"{"name":""#, unit: "x", tail: ""), Bomb(head: #"{"u":"#, unit: "1", tail: ".5}"),
        Bomb(head: #"{"nestedType":["#, unit: "{},", tail: "{}]}"), Bomb(head: "{", unit: "\n\t ", tail: "}"),
        Bomb(head: "{", unit: #""name":"x","#, tail: #""name":"y"}"#),
        Bomb(head: #"{"u":""#, unit: #"\\"#, tail: #""}"#),
    ])
    func bombsTakeLinearTime(bomb: Bomb) throws {
        let small = bomb.text(octets: 32 * 1024)
        let large = bomb.text(octets: 256 * 1024)
        func work(_ text: String) -> Double {
            (0..<3).map { _ in
                CPUTime.spent { _ = try? Self.decode(text, as: Google_Protobuf_DescriptorProto.self) }
            }.min() ?? 0
        }
        let (least, most) = (work(small), work(large))
        #expect(most < 24 * max(least, 0.000_05), "\(least) s, then \(most) s")
    }

    struct Bomb: CustomTestStringConvertible, Sendable {
        var head: String
        var unit: String
        var tail: String

        var testDescription: String { head + unit + "…" + tail }

        func text(octets: Int) -> String { head + String(repeating: unit, count: octets / unit.utf8.count) + tail }
    }
}
