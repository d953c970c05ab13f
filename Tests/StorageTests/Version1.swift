import Domain
import Foundation
import Postgres
import Support

@testable import Storage

/// The world of programs of schema version 1: how they made a registry and tenants, and those of their statements that
/// programs of version 2 have in another form. Kept as they were, so that both versions can be run side by side.
struct Version1: Sendable {
    let cluster: PrivateCluster
    let database: String

    private static let tenantScript = Result {
        try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Version1/tenant.sql"),
            encoding: .utf8)
    }

    /// Makes the registry.
    func makeRegistry() throws {
        try execute(
            SQLScript.registry.source
                + "INSERT INTO carillon.schema_version VALUES ('registry', 1, '2026-11-15T12:00:00Z')")
    }

    /// Makes a tenant with partitions for two months, at version 1.
    @discardableResult
    func makeTenant(_ id: TenantID = Fixture.tenantID(), state: TenantState = .active) throws -> TenantID {
        let schema = SchemaName(id)
        let values = [
            "schema": schema.text, "micros": String(Fixture.epoch.microseconds), "time": "2026-11-15T12:00:00Z",
        ]
        let month = Month(containing: Fixture.epoch)
        let statements =
            SQLScript(try Self.tenantScript.get()).statements(values)
            + TenantSchema.partitions(schema, month) + TenantSchema.partitions(schema, month.next)
        try execute(
            """
            BEGIN;
            INSERT INTO carillon.tenant (tenant_id, display_name, state, portal_url, time_zone, locale,
                enabled_without_subscription, wrapped_data_key, request_hash, schema_version, months_through, revision,
                created_at, updated_at)
            VALUES ('\(id)', 'Northwind Supply', '\(state.rawValue)', 'https://portal.example', 'Europe/Berlin', 'en',
                'opt_in', '', '', 1, '\(month.next.firstDay)', 1, '2026-11-15T12:00:00Z', '2026-11-15T12:00:00Z');
            CREATE ROLE \(schema) NOLOGIN NOINHERIT;
            GRANT \(schema) TO carillon_serve;
            """ + statements.map(\.text).joined(separator: ";\n") + "; COMMIT")
        return id
    }

    /// The version that each tenant is recorded at.
    func versions() throws -> [String: Int] {
        let rows = try cluster.execute("SELECT tenant_id, schema_version FROM carillon.tenant", database: database)
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", Int($0[1] ?? "") ?? 0) })
    }

    /// Runs commands as the owner.
    func execute(_ sql: String) throws {
        try cluster.execute(sql, database: database, user: "carillon_owner")
    }
}

/// What programs of version 1 write into the audit, in the words of theirs.
struct Version1Audit: Sendable {
    /// $1 id, $2 actor, $3 provider, $4 the new public part: a provider is about to change.
    let provider: Statement
    /// $1 before this id, $2 limit.
    let page: Statement

    init(_ schema: SchemaName) {
        provider = Statement(
            """
            INSERT INTO \(schema).audit (audit_id, actor, action, object, before, after)
            SELECT $1::uuid, $2::text, 'provider.put', 'provider/' || $3::text, (
                SELECT to_jsonb(p) - 'sealed_secret'
                FROM \(schema).provider p
                WHERE p.provider_id = $3::text
            ), $4::jsonb
            """)
        page = Statement(
            """
            SELECT a.audit_id, a.actor, a.action, a.object, a.before, a.after
            FROM \(schema).audit a
            WHERE a.audit_id < $1::uuid
            ORDER BY a.audit_id DESC
            LIMIT $2::int8
            """)
    }
}

/// A description of a schema that is the same for two schemas of the same shape, whatever they are called.
func shape(of schema: String, in cluster: PrivateCluster, _ database: String) throws -> [String] {
    let rows = try cluster.execute(
        """
        SELECT line FROM (
            SELECT 'column ' || c.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
                || ' ' || a.attnotnull || ' ' || coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS line
            FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relnamespace = '\(schema)'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
                AND c.relkind IN ('r', 'p')
            UNION ALL
            SELECT 'index ' || pg_catalog.pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
            WHERE c.relnamespace = '\(schema)'::regnamespace
            UNION ALL
            SELECT 'constraint ' || c.conname || ' ' || c.conrelid::regclass || ' '
                || pg_catalog.pg_get_constraintdef(c.oid)
            FROM pg_catalog.pg_constraint c
            WHERE c.connamespace = '\(schema)'::regnamespace
            UNION ALL
            SELECT 'table ' || c.relname || ' ' || c.relkind::text || ' ' || coalesce(c.reloptions::text, '') || ' '
                || coalesce((SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM unnest(c.relacl) AS u (x)), '')
            FROM pg_catalog.pg_class c
            WHERE c.relnamespace = '\(schema)'::regnamespace AND c.relkind IN ('r', 'p')
            UNION ALL
            SELECT 'member ' || m.member::regrole
            FROM pg_catalog.pg_auth_members m
            WHERE m.roleid = '\(schema)'::regrole
        ) AS lines ORDER BY line
        """, database: database)
    return rows.map { ($0[0] ?? "").replacing(schema, with: "SCHEMA") }
}
