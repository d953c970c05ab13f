internal import CLibPQ

/// The simplest use of libpq, apart from the module under test: connect, run, read as text, close.
enum PlainConnection {
    static func execute(_ sql: String, _ connectionInfo: String) throws -> [[String?]] {
        let connection = PQconnectdb(connectionInfo)
        defer { PQfinish(connection) }
        guard PQstatus(connection) == CONNECTION_OK else { throw ClusterError(message(connection)) }
        let result = PQexec(connection, sql)
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: break
        default: throw ClusterError(message(connection))
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                guard PQgetisnull(result, row, column) == 0 else { return nil }
                return PQgetvalue(result, row, column).map { String(cString: $0) }
            }
        }
    }

    private static func message(_ connection: OpaquePointer?) -> String {
        PQerrorMessage(connection).map { String(cString: $0) } ?? "libpq is out of memory"
    }
}
