import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// A tenant with something in every table, and its way out of one database and into another.
enum ArchiveScene {
    private static func session(_ info: String, _ loop: EventLoop) async throws -> OwnerSessions {
        var configuration = PostgresConfiguration(connectionInfo: info)
        configuration.connectTimeout = Fixture.patience
        configuration.statementTimeout = .zero
        configuration.idleInTransactionTimeout = .zero
        return OwnerSessions(registry: try await PostgresSession.open(on: loop, configuration: configuration))
    }

    /// Reads a tenant out.
    static func export(
        _ tenant: TenantID, _ fixture: Fixture, key: [UInt8] = [9], sessions: OwnerSessions? = nil,
        _ each: (ArchivePart) async throws -> Void = { _ in }
    ) async throws -> [ArchivePart] {
        let record = try #require(try await fixture.registry.tenant(tenant))
        let own: OwnerSessions
        if let sessions { own = sessions } else { own = try await session(fixture.connectionInfos.owner, fixture.loop) }
        defer { own.close() }
        let export = TenantExport(record, wrappedDataKey: key, sessions: own, program: "test", now: fixture.now)
        var parts: [ArchivePart] = []
        while let part = try await export.next() {
            parts.append(part)
            try await each(part)
        }
        return parts
    }

    /// Makes a tenant of an archive.
    @discardableResult
    static func take(_ parts: [ArchivePart], _ fixture: Fixture) async throws -> TenantImport {
        let sessions = try await session(fixture.connectionInfos.owner, fixture.loop)
        defer { sessions.close() }
        let work = TenantImport(into: .main, sessions: sessions, stamp: fixture.stamp(), now: fixture.now)
        for part in parts {
            if case .header(let header) = part {
                try await work.begin(header, wrappedDataKey: [7, 0, 255])
            } else {
                try await work.take(part)
            }
            if case .trailer = part { try await work.commit() }
        }
        return work
    }

    /// The rows of each table.
    static func tables(_ parts: [ArchivePart]) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        var name = ""
        for part in parts {
            switch part {
            case .table(let table):
                name = table.name
                found[name] = []
            case .rows(let octets): found[name]? += octets
            default: break
            }
        }
        return found
    }

    /// Runs a test on another database.
    static func elsewhere(_ body: @escaping @Sendable (Fixture) async throws -> Void) async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let name = try SharedDatabase.bootstrappedDatabase()
        try await withStorage(
            serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
            owner: cluster.connectionInfo(database: name, user: "carillon_owner")
        ) { fixture in
            _ = try await fixture.administration.migrateRegistry(now: Fixture.epoch)
            try await body(fixture)
        }
    }

    /// Something in every table.
    static func furnish(_ tenant: TenantID, _ fixture: Fixture) async throws {
        let schema = "t_\(tenant)"
        let old = UUIDv7(
            milliseconds: UInt64(Month(containing: fixture.now).adding(months: -3).start.microseconds / 1_000) + 5,
            randomness: (1, Fixture.number()))
        let months = TenantSchema.partitions(
            SchemaName(tenant), Month(containing: fixture.now).adding(months: -3))
        _ = try await fixture.owner.run(Unit(months.map { Query($0) }))
        let statements = [
            """
            INSERT INTO \(schema).account SELECT 'a' || x, E'line\\nfeed \\\\ tab\\t é', NULL, '{"x,y",z}', NULL, false,
                NULL, 'en', NULL, NULL, x, 1, now(), now() FROM generate_series(1, 300) x
            """,
            """
            INSERT INTO \(schema).app_user SELECT 'u' || x, 'a' || x, repeat('name ', 100), 'active', false, false, NULL,
                NULL, now(), '{"digest_minute": 60}', NULL, 1, 1, now(), now() FROM generate_series(1, 300) x
            """,
            """
            INSERT INTO \(schema).contact_point SELECT 'u' || x, 'email', x || '@a.b', 0, 1, '2026-01-01Z', 'ok'
                FROM generate_series(1, 300) x
            """,
            "INSERT INTO \(schema).suppression VALUES ('sms', '+4930123456', 'stopped', 'provider', now())",
            "INSERT INTO \(schema).preference VALUES ('u1', 'customer', 'all', '', '', true, now())",
            "INSERT INTO \(schema).setting VALUES ('invoice.created', 'customer', '', true, true, 'all', '{email}', now())",
            """
            INSERT INTO \(schema).provider VALUES ('relay', 'email', 'smtp', 'R', 1, true, '{"a": [1, null]}', '\\x0001ff', 1,
                now(), now())
            """,
            "INSERT INTO \(schema).idempotency VALUES ('k', '\\x01', '\(old)', '\\x02', now())",
            """
            INSERT INTO \(schema).event SELECT '\(old)', 'invoice.created', 'a1', NULL, '{}', NULL, false, NULL,
                jsonb_build_object('large', repeat('large ', 100000)), '\\x03', 'key/x', now(), NULL
            """,
            """
            INSERT INTO \(schema).notification
                VALUES ('\(old)', '\(old)', 't', 'c', 'a1', 'u/u1', 'u1', NULL, 'r', '[]')
            """,
            """
            INSERT INTO \(schema).delivery
                VALUES ('\(old)', 'email', 1::int2, 'v', 'r', 'pending', NULL, NULL, NULL, NULL, now())
            """,
            """
            INSERT INTO \(schema).attempt
                VALUES ('\(old)', 'email', 1, 5, 'relay', 'o', NULL, NULL, NULL, now(), now())
            """,
            "INSERT INTO \(schema).queue VALUES ('\(old)', 'email', now(), NULL, 5, 1, 2, NULL, false)",
            "UPDATE \(schema).queue_owner SET fence = 5",
            "INSERT INTO \(schema).inbox_counter VALUES ('u1', 1, 1, 1, 1)",
            "INSERT INTO \(schema).inbox_item VALUES ('u1', 1, '\(old)', 't', 'x', 'y', 'z', now(), NULL, NULL, NULL)",
            """
            INSERT INTO \(schema).audit (audit_id, seq, actor, action, object, hash)
                VALUES ('\(old)', 1, 'a', 'b', 'c', '\\x09')
            """,
            "UPDATE \(schema).audit_head SET seq = 1, hash = '\\x09'",
        ]
        _ = try await fixture.owner.run(Unit(statements.map { Query(Statement($0, prepared: false)) }))
        let key = NewAPIKey(
            id: "key\(tenant)", displayName: "k", secretHash: [1], lastFour: "abcd", scopes: ["tenant"], createdBy: "t")
        _ = try await fixture.addKey(key, to: tenant)
        try await fixture.registry.setPortalKeys(
            of: tenant, [PortalKey(kid: "p", jwk: #"{"kty": "EC"}"#)], stamp: fixture.stamp(), now: fixture.now)
    }

    /// ``take(_:_:)`` that throws what it is refused with.
    static func retake(_ parts: [ArchivePart], _ fixture: Fixture) async throws(StorageError) {
        do {
            try await take(parts, fixture)
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.internalError, "\(error)")
        }
    }
}
