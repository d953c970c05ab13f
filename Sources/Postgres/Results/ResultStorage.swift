internal import CLibPQ

/// Owns one `PGresult`, which libpq filled and never touches again.
///
/// Safe as `@unchecked Sendable` because a finished PGresult is only read: "a PGresult can be treated as read-only and
/// passed between threads" (manual, 34.20). It is freed when the last reader is gone.
final class ResultStorage: @unchecked Sendable {
    private let result: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    /// Takes over the result.
    init(_ result: OpaquePointer) {
        self.result = result
        rowCount = Int(PQntuples(result))
        columnCount = Int(PQnfields(result))
    }

    deinit {
        PQclear(result)
    }

    /// How many rows the command wrote or returned; 0 for commands that do neither.
    var affectedRows: Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    func type(ofColumn column: Int) -> Oid {
        PQftype(result, CInt(column))
    }

    /// The bytes of a value, `nil` for NULL; valid as long as this object. Row and column must exist.
    func bytes(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        let (row, column) = (CInt(row), CInt(column))
        guard PQgetisnull(result, row, column) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
    }
}
