internal import CarillonNet

/// What a session has seen: the backend behind it remembers every table that it touched, and lets go of it only at its end. Pure.
struct SessionWear {
    private var roles: Set<String> = []
    private var units = 0
    private var begin: MonotonicTime?

    /// The session takes units from now on.
    mutating func begin(at now: MonotonicTime) {
        begin = now
    }

    /// Counts a unit. What is beyond the configuration's numbers is not kept.
    mutating func note(_ unit: Unit, within configuration: PostgresConfiguration) {
        if let role = unit.role {
            if roles.count < configuration.rolesPerSession { roles.insert(role) }
        } else if units < configuration.unitsPerSession {
            units += 1
        }
    }

    /// Whether it has seen as much as it may, and is old enough to be replaced.
    func isTooMuch(for configuration: PostgresConfiguration, at now: MonotonicTime) -> Bool {
        let isFull =
            configuration.rolesPerSession > 0 && roles.count >= configuration.rolesPerSession
            || configuration.unitsPerSession > 0 && units >= configuration.unitsPerSession
        guard isFull, let begin else { return false }
        return begin.advanced(by: configuration.leastSessionAge) <= now
    }
}
