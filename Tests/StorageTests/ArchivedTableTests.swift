import Postgres
import Testing

@testable import Storage

@Suite struct ArchivedTableTests {
    /// No table and no column of a tenant may be forgotten: what is new must be added to ``ArchivedTable``.
    @Test func everythingOfATenantIsArchived() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let columns = Statement(
                """
                SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE n.nspname = $1::text AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                GROUP BY 1
                """, prepared: false)
            func catalog(_ schema: String) async throws -> [String: Set<String>] {
                let rows = try await fixture.owner.run(Unit([Query(columns, [.text(schema)])]))[0]
                var found: [String: Set<String>] = [:]
                for row in rows { found[try row.text(0)] = Set(try row.textArray(1)) }
                return found
            }
            var stored = try await catalog("t_\(tenant.tenant)")
            for table in ArchivedTable.tenant {
                let columns = stored.removeValue(forKey: table.name)
                #expect(columns == Set(table.columns))
            }
            #expect(stored.isEmpty)

            var registry = try await catalog("carillon")
            for table in ArchivedTable.registry {
                let found = registry.removeValue(forKey: String(table.name.dropFirst("carillon.".count)))
                var all = try #require(found)
                // What a move or an erasure is at does not travel.
                if table.name == "carillon.tenant" { all.subtract(["moving_to", "erase_at"]) }
                #expect(all == Set(table.columns + table.completed))
            }
            let ofTheInstallation: Set = [
                "chore", "database", "erased_tenant", "schema_version", "service_identity", "tenant_lease",
                "tenant_move", "tenant_signal", "tenant_usage", "worker",
            ]
            #expect(Set(registry.keys) == ofTheInstallation)
        }
    }
}
