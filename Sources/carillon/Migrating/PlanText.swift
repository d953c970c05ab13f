internal import Storage

extension MigrationPlan {
    /// What would be done, for a person.
    ///
    /// - Parameter withStatements: whether all SQL is shown.
    func text(withStatements: Bool) -> String {
        var lines: [String] = []
        if registryVersions.isEmpty {
            lines.append("registry: at version \(registry), nothing to do")
        } else {
            let last = registryVersions.last?.number ?? registry
            lines.append("registry: \(registry == 0 ? "none" : "version \(registry)") -> version \(last)")
            lines += registryVersions.flatMap { $0.lines(withStatements: withStatements) }
        }
        let count = standings.filter { $0.state != .deleting }.reduce(0) { $0 + $1.count }
        if behind == 0 {
            let rest = opensVersion ? " once it is recorded" : ""
            lines.append("tenants: \(count), all at version \(tenantTarget)\(rest)")
        } else {
            lines.append("tenants: \(behind) of \(count) are behind version \(tenantTarget)")
            for standing in standings where standing.state != .deleting && standing.version < tenantTarget {
                lines.append("  at version \(standing.version): \(standing.count) \(standing.state.rawValue)")
            }
            lines += tenantVersions.flatMap { $0.lines(withStatements: withStatements) }
        }
        let erased = standings.filter { $0.state == .deleting }.reduce(0) { $0 + $1.count }
        if erased > 0 { lines.append("  let be: \(erased) being erased") }
        return lines.joined(separator: "\n")
    }
}

extension MigrationPlan.Version {
    fileprivate func lines(withStatements: Bool) -> [String] {
        let count = steps.reduce(0) { $0 + $1.statements.count }
        var lines = ["  \(number): \(title) (\(count) statements in \(steps.count) transactions)"]
        if let servesFrom { lines.append("     ends all programs before schema version \(servesFrom)") }
        guard withStatements else { return lines }
        for step in steps {
            lines.append("    -- \(step.isRepeated ? "repeated" : "transaction"): \(step.title)")
            lines += step.statements.map { "    " + $0.replacing("\n", with: "\n    ") + ";" }
        }
        return lines
    }
}
