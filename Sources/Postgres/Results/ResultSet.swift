/// What one query of a unit returned: its rows in order, and how many it touched.
///
/// The rows stay in the memory that libpq received them in; a row keeps it alive.
package struct ResultSet: Sendable, RandomAccessCollection {
    private let storage: ResultStorage

    /// Takes over a successful result of libpq.
    init(taking result: OpaquePointer) {
        storage = ResultStorage(result)
    }

    /// 0.
    package var startIndex: Int { 0 }
    /// The number of rows.
    package var endIndex: Int { storage.rowCount }
    /// The number of columns; 0 for a command that returns no rows.
    package var columnCount: Int { storage.columnCount }

    /// How many rows an INSERT, UPDATE, DELETE or MERGE touched, or a SELECT returned; 0 for other commands.
    package var affectedRows: Int { storage.affectedRows }

    /// A row, from 0.
    package subscript(position: Int) -> Row {
        precondition(indices.contains(position), "there is no such row")
        return Row(storage: storage, index: position)
    }
}
