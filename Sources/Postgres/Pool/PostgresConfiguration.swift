/// How a pool reaches its database and what it grants to a unit.
package struct PostgresConfiguration: Sendable {
    /// A libpq connection string: `host=db dbname=carillon user=…`, or `postgresql://…`. Several hosts may be named.
    /// What it leaves open is filled in for prompt failure detection (``ConnectionParameters``).
    package var connectionInfo: String
    /// Shown in the server's views and logs, unless the connection string has one of its own.
    package var applicationName = "carillon"

    /// How many connections the pool keeps. While there is little to do, fewer share the units (``PoolWidth``).
    package var connections = 4
    /// How many units may be on their way on one connection before others are preferred, then the queue.
    package var unitsPerConnection = 16
    /// How many units may wait while all connections are taken; more are refused with `queueFull`.
    package var queueLimit = 1024
    /// How many prepared statements each connection keeps while all share the units. Fewer that share keep those of all of them
    /// (``PoolWidth/statements(of:each:)``).
    package var preparedStatements = 512

    /// As how many roles a session may have worked, and how many units it may have run without one, before another one takes its
    /// place: a backend keeps what it has learnt of every table it touched until its end, some hundred KiB for each tenant. 0 for
    /// any number.
    package var rolesPerSession = 0
    /// See ``rolesPerSession``; for logins whose units have no role and may each concern another tenant.
    package var unitsPerSession = 0
    /// How old a session gets at least before it is replaced for that: where many tenants are busy, making sessions must not become
    /// the work. So until then it may learn of more.
    package var leastSessionAge: Duration = .seconds(300)

    /// After how long without a unit the connections are closed; the next unit has them made again, and waits for that. Nil for
    /// never.
    package var idleLimit: Duration?

    /// How long one server may take to be connected to before the next one of the list is tried, unless the connection
    /// string says otherwise by `connect_timeout`. Looking up the servers' names may take as long before.
    package var connectTimeout: Duration = .seconds(2)
    /// The server's limit on one statement; zero for none.
    package var statementTimeout: Duration = .seconds(5)
    /// The server's limit on waiting for one lock; zero for none.
    package var lockTimeout: Duration = .seconds(1)
    /// The server's limit on a transaction that waits for us; zero for none.
    package var idleInTransactionTimeout: Duration = .seconds(5)
    /// Our own limit on the oldest unit of a connection, for a server that no longer answers: the connection is closed
    /// when it passes. Larger than the server's limits.
    package var unitLimit: Duration = .seconds(30)
    /// How long the server may go on with a unit that nobody waits for any more before it is told to cancel it, and how long
    /// until it is told again; a millisecond at least.
    package var cancelPause: Duration = .milliseconds(100)
    /// How often a unit is run again whose session the server ended before it could happen; 0 for never.
    package var runsAfterLoss = 2
    /// Further settings for each connection, such as `plan_cache_mode`.
    package var sessionSettings: [String: String] = [:]

    /// The longest pause before the first and before later attempts to reconnect; the actual pause is a random part of
    /// it, and it doubles with each failure.
    package var reconnectPause: ClosedRange<Duration> = .milliseconds(100)...(.seconds(2))
    /// A source of numbers in 0..<1, for the pauses.
    package var randomness: @Sendable () -> Double = { Double.random(in: 0..<1) }
    /// Hears of connections and of the server's notices. Called on the loop.
    package var onEvent: @Sendable (PostgresEvent) -> Void = { _ in }

    /// How often it is looked whether fewer connections could share the units.
    var calm: Duration = .seconds(60)
    /// Where attempts to connect wait for each other.
    var gate = ConnectGate.shared
    /// Where names are looked up.
    var names = NameLookups.shared

    /// A configuration with the usual limits.
    package init(connectionInfo: String) {
        self.connectionInfo = connectionInfo
    }
}

/// What a pool tells its owner, for logs and metrics.
package enum PostgresEvent: Sendable {
    /// A connection is ready for units.
    case connected(connection: Int)
    /// A connection could not be made; it is tried again after the pause, or when another one has found a server.
    case connectFailed(connection: Int, PostgresError, retryAfter: Duration?)
    /// A connection that was ready is gone; it is made again after the pause.
    case disconnected(connection: Int, PostgresError, retryAfter: Duration)
    /// The server said something beside its answers. The message may quote data.
    case notice(connection: Int, ServerReport)
}
