import CarillonNet
import SwiftProtobuf

@testable import CarillonGRPC

extension FuzzTarget {
    /// What Connect brings: messages in addresses, JSON, errors and envelopes; and messages in binary.
    static let connect = FuzzTarget(name: "connect", seeds: ConnectSeeds.all) { octets in
        var input = FuzzInput(octets)
        let kind = input.octet()
        try Array(input.rest).withUnsafeBytes { octets in
            switch kind % 8 {
            case 0: try Self.checkQuery(octets)
            case 1: try Self.checkMessage(octets, Google_Protobuf_DescriptorProto.self)
            case 2: try Self.checkMessage(octets, Google_Protobuf_Struct.self)
            case 3: try Self.checkMessage(octets, Google_Protobuf_FieldOptions.self)
            case 4: try Self.checkMessage(octets, Google_Protobuf_Any.self)
            case 5:
                try Self.checkMessage(octets, Google_Protobuf_Timestamp.self)
                try Self.checkMessage(octets, Google_Protobuf_Duration.self)
                try Self.checkMessage(octets, Google_Protobuf_FieldMask.self)
            case 6: try Self.checkMessage(octets, Google_Protobuf_Value.self)
            default: try Self.checkError(octets)
            }
        }
    }

    private static func checkQuery(_ octets: UnsafeRawBufferPointer) throws {
        do throws(ConnectQuery.Problem) {
            let query = try ConnectQuery(octets, limit: 100)
            guard query.message.count <= min(100, octets.count) else {
                fatalError("the message of a query is longer than allowed")
            }
        } catch {}
    }

    /// What can be read can be written, and reads as the same.
    private static func checkMessage<Parsed: Message>(_ octets: UnsafeRawBufferPointer, _ type: Parsed.Type) throws {
        if let message: Parsed = try? MessageFrame.parse(octets) {
            let frame = try MessageFrame.of(message, .identity)
            let again: Parsed = try frame.withUnsafeBytes { try MessageFrame.parse(.init(rebasing: $0[5...])) }
            try require(canonical(again) == canonical(message), "a message does not come back from binary")
            _ = try? JSONCodec.encode(message)
        }
        // Some messages that JSON can say have a form that it cannot, such as a number that is too large for it.
        guard let message: Parsed = try? JSONCodec.decode(octets), let text = try? JSONCodec.encode(message) else {
            return
        }
        do {
            let again: Parsed = try text.withUnsafeBytes { try JSONCodec.decode($0) }
            try require(canonical(again) == canonical(message), "a message does not come back from JSON")
        } catch let error as Status {
            throw FuzzFinding("what was written cannot be read: \(error)")
        }
    }

    /// A message as octets that are the same for equal messages: maps have no order of their own, and a number that is none
    /// equals nothing.
    private static func canonical(_ message: some Message) -> [UInt8]? {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        return try? message.serializedBytes(options: options)
    }

    /// Errors are valid JSON whatever their words and details.
    private static func checkError(_ octets: UnsafeRawBufferPointer) throws {
        let status = Status(.internalError, String(decoding: octets, as: UTF8.self), details: Array(octets))
        var trailers = HeaderBlock()
        for part in octets.split(separator: 0, maxSplits: 20) {
            trailers.append(String(decoding: part.prefix(10), as: UTF8.self), String(decoding: part, as: UTF8.self))
        }
        let envelope = ConnectEnvelope.endOfStream(status, trailers: trailers)
        for text in [ConnectError.json(status), Array(envelope[5...])] {
            let parsed: Google_Protobuf_Struct = try text.withUnsafeBytes { try JSONCodec.decode($0) }
            let error = parsed.fields["error"]?.structValue ?? parsed
            try require(error.fields["code"]?.stringValue == "internal", "the code is lost")
            try require(error.fields["message"]?.stringValue == status.message || octets.isEmpty, "the words are lost")
        }
        let frame = WebTrailers.frame(trailers)
        let lines = frame[5...].split(separator: 0x0a)
        try require(lines.count <= trailers.count, "a field made two lines")
        try require(lines.allSatisfy { $0.last == 0x0d && $0.filter { $0 == 0x0d }.count == 1 }, "a line is broken")
    }
}

private enum ConnectSeeds {
    static let all: @Sendable () -> [[UInt8]] = {
        let texts: [(UInt8, String)] = [
            (0, "connect=v1&encoding=json&message=%7B%7D"),
            (0, "encoding=proto&base64=1&message=Pz8_&compression=gzip&x=1"),
            (
                1,
                #"{"name":"x","field":[{"name":"y","number":1,"type":"TYPE_INT64","json_name":"\u00e4\n"}],"nestedType":[{}]}"#
            ),
            (2, #"{"a":"b","c":{},"d":1}"#), (2, #"{"a":[1,2.5e3,"x",null,true,{"b":[]}]}"#),
            (3, #"{"ctype":"CORD","uninterpretedOption":[{"positiveIntValue":"1","stringValue":"AQI="}]}"#),
            (4, #"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.5s"}"#),
            (4, #"{"@type":"a/b","x":{}}"#),
            (5, #""2026-01-02T03:04:05.678Z""#), (5, #""1.500s""#), (5, #""a,bC.d""#), (6, "[[],{},-0.0,1e308]"),
            (7, "a\0b\r\n\"\\"),
        ]
        var binary: [[UInt8]] = []
        var descriptor = Google_Protobuf_DescriptorProto()
        descriptor.name = "x"
        descriptor.nestedType = [descriptor]
        if let octets: [UInt8] = try? descriptor.serializedBytes() { binary.append([1] + octets) }
        var free = Google_Protobuf_Struct()
        free.fields["a"] = Google_Protobuf_Value(numberValue: 1)
        if let octets: [UInt8] = try? free.serializedBytes() {
            binary += [[2] + octets, [7, 0x1a, 4, 0x0a, 2, 0x61, 0x2f]]
        }
        return texts.map { [$0] + Array($1.utf8) } + binary
    }
}
