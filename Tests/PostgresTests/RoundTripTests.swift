import Postgres
import Support
import Testing

/// Each kind of value to a real server and back.
@Suite struct RoundTripTests {
    private static let moments = [
        Timestamp(microseconds: 1_766_000_000_123_456), Timestamp(microseconds: 0), Timestamp(microseconds: -1),
        Timestamp(microseconds: -210_866_803_200_000_000), Timestamp(microseconds: .max),
    ]
    private static let uuid = UUIDBytes(high: 0x0198_f6c1_7c00_7abc, low: 0x8def_0123_4567_89ab)

    private func row(_ sql: String, _ parameters: [Parameter] = []) async throws -> Row {
        let results = try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ in
            try await pool.run(Unit([Query(Statement(sql), parameters)]))
        }
        return try #require(results.first?.first)
    }

    @Test func scalars() async throws {
        let row = try await row(
            "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9",
            [
                .bool(true), .int4(.min), .int8(.max), .float8(-0.1), .text("h\u{e9} \u{1f514}"), .bytes([0, 255]),
                .uuid(Self.uuid), .timestamp(Self.moments[0]), .json(#"{"a": [1, null]}"#),
            ])
        #expect(try row.bool(0))
        #expect(try row.int4(1) == .min)
        #expect(try row.int8(1) == Int64(Int32.min))
        #expect(try row.int8(2) == .max)
        #expect(try row.float8(3) == -0.1)
        #expect(try row.text(4) == "h\u{e9} \u{1f514}")
        #expect(try row.bytes(5) == [0, 255])
        #expect(try row.uuid(6) == Self.uuid)
        #expect(try row.timestamp(7) == Self.moments[0])
        #expect(try row.text(8) == #"{"a": [1, null]}"#)
    }

    @Test func theServerReadsWhatWasMeant() async throws {
        let row = try await row(
            "SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text",
            [
                .timestamp(Timestamp(microseconds: 1_000_001)), .uuid(Self.uuid), .bytes([1, 2]),
                .optionalTextArray(["a", nil, ""]), .bytesArray([[1], []]), .boolArray([true, false]),
            ])
        #expect(try row.text(0) == "1970-01-01 00:00:01.000001+00")
        #expect(try row.text(1) == "0198f6c1-7c00-7abc-8def-0123456789ab")
        #expect(try row.text(2) == #"\x0102"#)
        #expect(try row.text(3) == #"{a,NULL,""}"#)
        #expect(try row.text(4) == #"{"\\x01","\\x"}"#)
        #expect(try row.text(5) == "{t,f}")
    }

    @Test func arrays() async throws {
        let row = try await row(
            "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10",
            [
                .int4Array([1, -1]), .int8Array([.max, .min]), .textArray(["", "b"]), .optionalTextArray([nil, "c"]),
                .bytesArray([[], [7]]), .optionalBytesArray([[0], nil]), .uuidArray([Self.uuid]),
                .timestampArray(Self.moments), .optionalTimestampArray([nil, Self.moments[0]]),
                .boolArray([true, false]),
            ])
        #expect(try row.int4Array(0) == [1, -1])
        #expect(try row.int8Array(0) == [1, -1])
        #expect(try row.int8Array(1) == [.max, .min])
        #expect(try row.textArray(2) == ["", "b"])
        #expect(try row.arrayOfOptionalText(3) == [nil, "c"])
        #expect(try row.bytesArray(4) == [[], [7]])
        #expect(try row.arrayOfOptionalBytes(5) == [[0], nil])
        #expect(try row.uuidArray(6) == [Self.uuid])
        #expect(try row.timestampArray(7) == Self.moments)
        #expect(try row.arrayOfOptionalTimestamp(8) == [nil, Self.moments[0]])
        #expect(try row.boolArray(9) == [true, false])
        #expect(throws: PostgresError.self) { try row.textArray(3) }
        #expect(throws: PostgresError.self) { try row.int4Array(1) }
    }

    @Test func emptyArrays() async throws {
        let row = try await row("SELECT $1, $2, '{}'::text[], NULL::int8[]", [.int8Array([]), .uuidArray([])])
        #expect(try row.int8Array(0) == [])
        #expect(try row.uuidArray(1) == [])
        #expect(try row.arrayOfOptionalText(2) == [])
        #expect(try row.optionalInt8Array(3) == nil)
        #expect(throws: PostgresError.self) { try row.int8Array(3) }
    }

    @Test func nullIsAnOptionalsBusiness() async throws {
        let row = try await row("SELECT $1::text, $2::int8, 5", [.null, .null])
        #expect(try row.optionalText(0) == nil)
        #expect(try row.optionalInt8(1) == nil)
        #expect(try row.isNull(0))
        #expect(try !row.isNull(2))
        #expect(throws: PostgresError(.decoding, "column 0 is NULL")) { try row.text(0) }
    }

    @Test func columnsAreReadByTheirType() async throws {
        let row = try await row(
            """
            SELECT 5::int2, 'v'::varchar(3), 'n'::name, 'c'::"char", '[1]'::json, 0.5::float4, 1.5::numeric, NULL::text,
                'infinity'::timestamptz, '{{1,2},{3,4}}'::int4[]
            """)
        #expect(try row.int4(0) == 5)
        #expect(try row.int8(0) == 5)
        #expect(try (1...4).map { try row.text($0) } == ["v", "n", "c", "[1]"])
        #expect(try row.float8(5) == 0.5)
        let attempts: [() throws -> Void] = [
            { _ = try row.text(0) }, { _ = try row.int8(1) }, { _ = try row.float8(6) }, { _ = try row.text(6) },
            { _ = try row.optionalInt4(7) }, { _ = try row.timestamp(8) }, { _ = try row.int4Array(9) },
            { _ = try row.text(10) }, { _ = try row.text(-1) }, { _ = try row.textArray(7) },
        ]
        for attempt in attempts {
            #expect(try #require(throws: PostgresError.self) { try attempt() }.code == .decoding)
        }
    }

    @Test func rowsAreCounted() async throws {
        try await withPool(makeDatabase().connectionInfo) { pool, _ in
            let results = try await pool.run(
                Unit(
                    commands: "CREATE TABLE public.t (a int8)", "INSERT INTO public.t SELECT generate_series(1, 7)",
                    "UPDATE public.t SET a = a + 1 WHERE a > 4", "SELECT a FROM public.t ORDER BY a"))
            #expect(results.map(\.affectedRows) == [0, 7, 3, 7])
            #expect(results.map(\.count) == [0, 0, 0, 7])
            #expect(try results[3].map { try $0.int8(0) } == [1, 2, 3, 4, 6, 7, 8])
            #expect(results[3].columnCount == 1)
        }
    }

    /// Larger than all buffers on the way, in both directions at once.
    @Test func largeValuesCross() async throws {
        let text = String(repeating: "abcdefgh", count: 500_000)
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let results = try await pool.run(Unit("SELECT $1, $1", .text(text)))
                        return try results[0][0].text(1) == text
                    }
                }
                for try await isEqual in group { #expect(isEqual) }
            }
        }
    }
}
