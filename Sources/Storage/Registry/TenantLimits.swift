internal import Postgres

/// What one tenant may use of the installation. Nil is the installation's own limit.
package struct TenantLimits: Sendable, Hashable {
    /// Calls with its keys in a second in each process, and as many of its portal's users.
    package var callsPerSecond: Int32?
    /// Events that it publishes, in a second, in each process.
    package var eventsPerSecond: Int32?
    /// Rows of its schema, of all tables together.
    package var storedRows: Int64?
    /// Streams of its portal's users that are open at once in each process.
    package var openStreams: Int32?
    /// The length of one request message in octets.
    package var messageOctets: Int32?

    /// No limits of its own.
    package init() {}
}

extension TenantLimits {
    /// Reads five columns, in the order of the properties.
    init(row: Row, from column: Int) throws(PostgresError) {
        callsPerSecond = try row.optionalInt4(column)
        eventsPerSecond = try row.optionalInt4(column + 1)
        storedRows = try row.optionalInt8(column + 2)
        openStreams = try row.optionalInt4(column + 3)
        messageOctets = try row.optionalInt4(column + 4)
    }

    /// The columns' values, in the order of the properties.
    var parameters: [Parameter] {
        [
            .int4(callsPerSecond), .int4(eventsPerSecond), .int8(storedRows), .int4(openStreams),
            .int4(messageOctets),
        ]
    }
}
