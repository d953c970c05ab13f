import Testing

@testable import Postgres

/// The exact bytes, by the documentation of the types' send and receive functions.
@Suite struct EncodingTests {
    private func encode(_ parameters: Parameter...) -> [[UInt8]?] {
        var buffer = ParameterBuffer()
        // What an earlier query left must not show.
        buffer.encode([.text("left over"), .int8(-1), .null, .null, .null])
        buffer.encode(parameters)
        return buffer.values
    }

    @Test func scalars() {
        #expect(encode(.bool(true), .bool(false)) == [[1], [0]])
        #expect(encode(.int4(-2), .int8(258)) == [[255, 255, 255, 254], [0, 0, 0, 0, 0, 0, 1, 2]])
        #expect(encode(.float8(1)) == [[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]])
        #expect(encode(.text("h\u{e9}"), .text("")) == [[0x68, 0xc3, 0xa9], []])
        #expect(encode(.bytes([0, 1])) == [[0, 1]])
        #expect(encode(.json("{}")) == [[1, 0x7b, 0x7d]])
        #expect(encode(.null, .int4(1), .null) == [nil, [0, 0, 0, 1], nil])
        #expect(encode(.timestamp(Timestamp(microseconds: 946_684_800_000_001))) == [[0, 0, 0, 0, 0, 0, 0, 1]])
        #expect(encode(.uuid(UUIDBytes(high: 1, low: 2))) == [[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]])
    }

    @Test func arraysHaveTheirHeader() {
        let header: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1]
        #expect(encode(.int4Array([7, 8])) == [header + [0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 8]])
    }

    @Test func emptyArraysHaveNoDimension() {
        #expect(encode(.textArray([])) == [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]])
    }

    @Test func arraysSayThatTheyHoldNulls() {
        let header: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1]
        #expect(encode(.optionalTextArray([nil, "a"])) == [header + [255, 255, 255, 255, 0, 0, 0, 1, 0x61]])
    }

    @Test(arguments: [
        [UInt8](), [0, 0, 0, 1], [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 23],
        // A count that the bytes do not hold, an element longer than the rest, and bytes left over.
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 127, 255, 255, 255, 0, 0, 0, 1],
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0],
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 0],
        // Elements of another type than the column's.
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1],
    ])
    func whatIsNoArrayDoesNotDecode(bytes: [UInt8]) {
        bytes.withUnsafeBytes { #expect(WireArray.decode($0, of: WireType.int4Array, as: Int32.self) == nil) }
    }

    @Test func valuesOfAWrongLengthDoNotDecode() {
        [UInt8](repeating: 0, count: 3).withUnsafeBytes { bytes in
            #expect(Int32.decode(bytes, of: WireType.int4) == nil)
            #expect(Int64.decode(bytes, of: WireType.int8) == nil)
            #expect(Bool.decode(bytes, of: WireType.bool) == nil)
            #expect(UUIDBytes.decode(bytes, of: WireType.uuid) == nil)
            #expect(Timestamp.decode(bytes, of: WireType.timestamptz) == nil)
            #expect(String.decode(bytes, of: WireType.jsonb) == nil)
        }
    }
}
