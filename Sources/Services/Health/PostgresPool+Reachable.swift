internal import Postgres

extension PostgresPool {
    /// Whether units have a chance: at least one connection stands.
    var isReachable: Bool { status.connections > 0 }
}
