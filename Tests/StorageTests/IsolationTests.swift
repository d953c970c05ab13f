import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// What a tenant's role must not be able to do, even if somebody found a way to run a SELECT of their own.
@Suite struct IsolationTests {
    /// Each of these is one statement, tried as tenant A. `%A` and `%B` stand for the schemas.
    @Test(arguments: [
        "SELECT count(*) FROM %B.account",
        "INSERT INTO %B.idempotency VALUES ('k', '', gen_random_uuid(), '', now())",
        "SELECT count(*) FROM carillon.tenant",
        "SELECT count(*) FROM carillon.api_key",
        "SELECT pg_catalog.set_config('role', '%B', true)",
        "SELECT pg_catalog.set_config('role', 'none', true)",
        """
        SELECT pg_catalog.set_config('role', '%B', true),
            pg_catalog.query_to_xml('SELECT 1 FROM %B.account', true, false, '')
        """,
        "SELECT pg_catalog.query_to_xml('SELECT 1', true, false, '')",
        "SELECT pg_catalog.table_to_xml('%A.account', true, false, '')",
        "SELECT pg_catalog.cursor_to_xml('c', 1, true, false, '')",
        "SELECT * FROM pg_catalog.ts_stat('SELECT ''a''::tsvector')",
        "SELECT pg_catalog.lo_create(0)",
        "SELECT pg_catalog.pg_sleep(0)",
        "SELECT pg_catalog.pg_notify('a', 'b')",
        "SELECT pg_catalog.pg_advisory_lock(1)",
        "SELECT pg_catalog.pg_read_file('postgresql.conf')",
        "DO $$ BEGIN EXECUTE 'SET LOCAL ROLE %B'; END $$",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE %A.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "ALTER TABLE %A.account ADD COLUMN mine int",
        "DROP TABLE %A.account",
        "TRUNCATE %A.account",
        "UPDATE %A.audit SET actor = 'me'",
        "DELETE FROM %A.audit",
        "DELETE FROM %A.event",
        "UPDATE %A.attempt SET outcome = 'accepted'",
        "DELETE FROM %A.delivery",
    ])
    func aTenantsRoleIsRefused(_ sql: String) async throws {
        try await withStorage { fixture in
            let (a, b) = try await SharedTenants.get(fixture)
            let sql = sql.replacing("%A", with: "t_\(a.tenant)").replacing("%B", with: "t_\(b.tenant)")
            do throws(PostgresError) {
                _ = try await fixture.query(as: a, sql)
                Issue.record("allowed: \(sql)")
            } catch {
                #expect(error.code == .insufficientPrivilege, "\(sql): \(error)")
            }
        }
    }

    @Test func theLoginRoleItselfReadsNoTenant() async throws {
        try await withStorage { fixture in
            let (a, _) = try await SharedTenants.get(fixture)
            for sql in ["SELECT count(*) FROM t_\(a.tenant).account", "UPDATE carillon.tenant SET state = 'active'"] {
                do throws(PostgresError) {
                    _ = try await fixture.serve.run(Unit([Query(Statement(sql, prepared: false))]))
                    Issue.record("allowed: \(sql)")
                } catch {
                    #expect(error.code == .insufficientPrivilege)
                }
            }
        }
    }

    @Test func theRoleIsBackAfterEachTransaction() async throws {
        try await withStorage(connections: 1) { fixture in
            let (a, _) = try await SharedTenants.get(fixture)
            let inside = try await fixture.query(as: a, "SELECT current_user::text")
            #expect(try inside[0].text(0) == "t_\(a.tenant)")
            let after = try await fixture.serve.run(Unit([Query(Statement("SELECT current_user::text"))]))
            #expect(try after[0][0].text(0) == "carillon_serve")
        }
    }
}

/// Two tenants for tests that change nothing.
actor SharedTenants {
    private static let shared = SharedTenants()
    private var ids: Task<(TenantID, TenantID), any Error>?

    static func get(_ fixture: Fixture) async throws -> (TenantStore, TenantStore) {
        let (a, b) = try await shared.get(fixture)
        return (TenantStore(tenant: a, pool: fixture.serve), TenantStore(tenant: b, pool: fixture.serve))
    }

    private func get(_ fixture: Fixture) async throws -> (TenantID, TenantID) {
        let task =
            ids
            ?? Task {
                try await fixture.loop.run { (try await fixture.tenant().tenant, try await fixture.tenant().tenant) }
            }
        ids = task
        return try await task.value
    }
}
