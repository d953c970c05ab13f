internal import Postgres

/// Runs work on the database and turns its failure into this module's error.
func storing<Result>(
    _ body: () async throws(PostgresError) -> Result
) async throws(StorageError) -> Result {
    do {
        return try await body()
    } catch {
        throw StorageError(error)
    }
}

extension ResultSet {
    /// Reads every row.
    func read<Value>(_ decode: (Row) throws(PostgresError) -> Value) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for row in self { values.append(try decode(row)) }
        return values
    }

    /// Reads the first row, if there is one.
    func readFirst<Value>(_ decode: (Row) throws(PostgresError) -> Value) throws(PostgresError) -> Value? {
        guard let row = first else { return nil }
        return try decode(row)
    }
}
