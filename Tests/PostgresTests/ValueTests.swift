import Testing

@testable import Postgres

@Suite struct ValueTests {
    @Test func uuidsReadTheirText() throws {
        let text = "0198f6c1-7c00-7abc-8def-0123456789ab"
        let uuid = try #require(UUIDBytes(text))
        #expect(uuid.description == text)
        #expect(UUIDBytes(text.uppercased()) == uuid)
        #expect(UUIDBytes(uuid.bytes) == uuid)
        #expect(uuid.bytes.prefix(3) == [0x01, 0x98, 0xf6])
        #expect(uuid.bytes.last == 0xab)
    }

    @Test(arguments: [
        "", "0198f6c1-7c00-7abc-8def-0123456789a", "0198f6c1x7c00-7abc-8def-0123456789ab",
        "0198f6c1-7c00-7abc-8def-0123456789ag", "0198f6c17c007abc8def0123456789ab----",
        "{198f6c1-7c00-7abc-8def-0123456789a}",
    ])
    func whatIsNoUUIDIsRefused(text: String) {
        #expect(UUIDBytes(text) == nil)
    }

    @Test func uuidsNeedSixteenBytesAndSortByThem() {
        #expect(UUIDBytes([UInt8](repeating: 0, count: 15)) == nil)
        #expect(UUIDBytes([UInt8](repeating: 0, count: 17)) == nil)
        #expect(UUIDBytes(high: 1, low: .max) < UUIDBytes(high: 2, low: 0))
        #expect(UUIDBytes(high: 1, low: 1) < UUIDBytes(high: 1, low: 2))
    }

    @Test(arguments: [
        (Int64(0), Int64(-946_684_800_000_000)), (946_684_800_000_000, 0), (1_766_000_000_123_456, 819_315_200_123_456),
    ])
    func timestampsCountFrom2000OnTheWire(microseconds: Int64, wire: Int64) {
        #expect(Timestamp(microseconds: microseconds).wireValue == wire)
        #expect(Timestamp(wireValue: wire) == Timestamp(microseconds: microseconds))
    }

    @Test func theInfinitiesAreNoMoments() {
        #expect(Timestamp(wireValue: .max) == nil)
        #expect(Timestamp(wireValue: .min) == nil)
    }

    @Test func timestampsRoundDownAndSaturate() {
        #expect(Timestamp(microseconds: -1).milliseconds == -1)
        #expect(Timestamp(microseconds: 1_999).milliseconds == 1)
        #expect(Timestamp(milliseconds: .max).microseconds == .max)
        #expect(Timestamp(milliseconds: 5).advanced(by: .milliseconds(-6)).microseconds == -1_000)
        #expect(Timestamp(microseconds: .max - 1).advanced(by: .seconds(1)).microseconds == .max)
        #expect(Timestamp(microseconds: .min + 1).advanced(by: .seconds(-1)).microseconds == .min)
    }

    @Test(arguments: ["t_acme", "t_0", "carillon_owner", "_x", String(repeating: "a", count: 63)])
    func plainRoleNamesAreAllowed(name: String) {
        #expect(Unit.isRoleName(name))
    }

    @Test(arguments: [
        "", "none", "T_acme", "t-acme", "t_acme\"", "t_acme; RESET ROLE", "0abc", "t_\u{e4}", "t_a\0",
        String(repeating: "a", count: 64),
    ])
    func otherRoleNamesAreNot(name: String) {
        #expect(!Unit.isRoleName(name))
        #expect(throws: PostgresError.self) { try Unit(role: name, []).validate() }
    }

    @Test(arguments: [
        Parameter.text("a\0b"), .json("\"\0\""), .textArray(["a", "\0"]), .optionalTextArray([nil, "\0"]),
        .timestamp(Timestamp(microseconds: .min)), .timestampArray([Timestamp(microseconds: .min)]),
        .optionalTimestampArray([nil, Timestamp(microseconds: .min)]),
    ])
    func whatPostgresCannotHoldIsRefused(parameter: Parameter) throws {
        let unit = Unit([Query(Statement("SELECT 1")), Query(Statement("SELECT $1"), [.null, parameter])])
        let error = try #require(throws: PostgresError.self) { try unit.validate() }
        #expect(error.code == .invalidValue)
        #expect(error.queryIndex == 1)
        #expect(error.explanation.contains("$2"))
    }

    @Test func tooManyParametersAreRefused() throws {
        let unit = Unit([Query(Statement("SELECT 1"), Array(repeating: .null, count: 65_536))])
        #expect(try #require(throws: PostgresError.self) { try unit.validate() }.code == .invalidStatement)
    }
}
