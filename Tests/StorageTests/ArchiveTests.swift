import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// A tenant goes out of one database and into another, under load, row by row the same, or not at all.
@Suite struct ArchiveTests {
    private static func session(_ info: String, _ loop: EventLoop) async throws -> OwnerSessions {
        var configuration = PostgresConfiguration(connectionInfo: info)
        configuration.connectTimeout = Fixture.patience
        configuration.statementTimeout = .zero
        configuration.idleInTransactionTimeout = .zero
        return OwnerSessions(registry: try await PostgresSession.open(on: loop, configuration: configuration))
    }

    private static func stamp(_ fixture: Fixture) -> AuditStamp { fixture.stamp() }

    private static func export(
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

    @discardableResult
    private static func take(_ parts: [ArchivePart], _ fixture: Fixture) async throws -> TenantImport {
        let sessions = try await session(fixture.connectionInfos.owner, fixture.loop)
        defer { sessions.close() }
        let work = TenantImport(into: .main, sessions: sessions, stamp: stamp(fixture), now: fixture.now)
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
    private static func tables(_ parts: [ArchivePart]) -> [String: [UInt8]] {
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

    private static func elsewhere(_ body: @escaping @Sendable (Fixture) async throws -> Void) async throws {
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
    private static func furnish(_ tenant: TenantID, _ fixture: Fixture) async throws {
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
                NULL, 'en', x, 1, now(), now() FROM generate_series(1, 300) x
            """,
            """
            INSERT INTO \(schema).app_user SELECT 'u' || x, 'a' || x, repeat('name ', 100), 'active', false, false, NULL,
                NULL, 1, 1, now(), now() FROM generate_series(1, 300) x
            """,
            """
            INSERT INTO \(schema).contact_point SELECT 'u' || x, 'email', x || '@a.b', 0, 'ok'
                FROM generate_series(1, 300) x
            """,
            "INSERT INTO \(schema).preference VALUES ('u1', 'customer', 'all', '', '', true, now())",
            "INSERT INTO \(schema).setting VALUES ('invoice.created', 'customer', '', true, true, 'none', now())",
            """
            INSERT INTO \(schema).provider VALUES ('relay', 'email', 'smtp', 'R', 1, true, '{"a": [1, null]}', '\\x0001ff', 1,
                now(), now())
            """,
            "INSERT INTO \(schema).idempotency VALUES ('k', '\\x01', '\(old)', '\\x02', now())",
            """
            INSERT INTO \(schema).event SELECT '\(old)', 'invoice.created', 'a1', NULL, '{}', NULL, false, NULL,
                jsonb_build_object('large', repeat('large ', 100000)), '\\x03', 'key/x', now()
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
            "INSERT INTO \(schema).queue VALUES ('\(old)', 'email', now(), NULL, 5, 1, 2)",
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
            of: tenant, [PortalKey(kid: "p", jwk: #"{"kty": "EC"}"#)], stamp: stamp(fixture), now: fixture.now)
    }

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

    @Test func aTenantComesElsewhereRowByRow() async throws {
        try await withStorage { source in
            let tenant = try await source.tenant().tenant
            try await Self.furnish(tenant, source)
            // While it is read out, others go on to write: what they write is not of that moment.
            let before = try await Self.export(tenant, source)
            let parts = try await Self.export(tenant, source) { part in
                guard case .table(let table) = part, !table.name.hasPrefix("carillon.") else { return }
                _ = try await source.owner.run(
                    Unit([
                        Query(
                            Statement(
                                "UPDATE t_\(tenant).inbox_counter SET total = total + 1, last_seq = last_seq + 1",
                                prepared: false))
                    ]))
            }
            #expect(Self.tables(parts) == Self.tables(before))
            #expect(parts.allSatisfy { if case .rows(let octets) = $0 { octets.count <= 262_144 } else { true } })
            try await Self.elsewhere { target in
                // An id whose tenant was just erased there is no place for an archive.
                let reservation = Query(TenantLifeStatements.reserve, [.text(tenant), .timestamp(target.now)])
                _ = try await target.owner.run(Unit([reservation]))
                let reserved = try await storageError { () async throws(StorageError) in
                    try await Self.retake(parts, target)
                }
                #expect(reserved.code == .idReserved)
                let end = Query(
                    SweepStatements.swept,
                    [.textArray([tenant.rawValue]), .timestamp(target.now)])
                let forgetting = Query(SweepStatements.forget, [.timestamp(target.now)])
                _ = try await target.owner.run(Unit([end, forgetting]))
                let work = try await Self.take(parts, target)
                #expect(work.isOver)
                let record = try #require(try await target.registry.tenant(tenant))
                #expect(record.state == .suspended)
                #expect(record.wrappedDataKey == [7, 0, 255])
                #expect(record.displayName == "Northwind Supply")
                let again = try await Self.export(tenant, target)
                var (was, is_) = (Self.tables(before), Self.tables(again))
                // The import itself is a line of the chain.
                for name in ["carillon.audit", "carillon.audit_head"] {
                    was[name] = nil
                    is_[name] = nil
                }
                for (name, rows) in was { #expect(is_[name] == rows, "\(name)") }
                #expect(was.values.allSatisfy { !$0.isEmpty })
                let lines = try await target.owner.run(
                    Unit([Query(Statement("SELECT action FROM carillon.audit WHERE chain = '\(tenant)' ORDER BY seq"))])
                )
                let actions = try lines[0].read { row throws(PostgresError) in try row.text(0) }
                #expect(actions == ["tenant.create", "key.create", "portal_keys.set", "tenant.import"])
                // The roles were granted: it can be served.
                let store = TenantStore(tenant: tenant, pool: target.serve)
                #expect(try await target.integer(as: store, "SELECT fence FROM t_\(tenant).queue_owner") == 0)
                #expect(try await target.integer(as: store, "SELECT lease FROM t_\(tenant).queue") == 0)
                let twice = try await storageError { () async throws(StorageError) in
                    try await Self.retake(parts, target)
                }
                #expect(twice.code == .alreadyExists)
            }
        }
    }

    private static func retake(_ parts: [ArchivePart], _ fixture: Fixture) async throws(StorageError) {
        do {
            try await take(parts, fixture)
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.internalError, "\(error)")
        }
    }

    @Test func withoutATransferKeyWhatIsSealedStays() async throws {
        try await withStorage { source in
            let tenant = try await source.tenant().tenant
            try await Self.furnish(tenant, source)
            let parts = try await Self.export(tenant, source, key: [])
            guard case .header(let header) = parts[0] else { throw StorageError(.internalError, "no header") }
            #expect(header.providersWithSecret == ["relay"])
            try await Self.elsewhere { target in
                try await Self.take(parts, target)
                let store = TenantStore(tenant: tenant, pool: target.serve)
                let sealed = """
                    SELECT (SELECT count(sealed_secret) FROM t_\(tenant).provider)
                        + (SELECT count(sealed_context) FROM t_\(tenant).event)
                    """
                #expect(try await target.integer(as: store, sealed) == 0)
            }
        }
    }

    @Test func whatIsDamagedIsRefusedAndLeavesNothing() async throws {
        try await withStorage { source in
            let tenant = try await source.tenant().tenant
            try await Self.furnish(tenant, source)
            let parts = try await Self.export(tenant, source)
            guard case .header(var header) = parts[0] else { throw StorageError(.internalError, "no header") }
            var damaged: [(what: String, parts: [ArchivePart])] = []
            for (place, part) in parts.enumerated() {
                switch part {
                case .rows(var octets) where octets.count > 1_000:
                    octets[700] = octets[700] == UInt8(ascii: "n") ? UInt8(ascii: "m") : UInt8(ascii: "n")
                    var changed = parts
                    changed[place] = .rows(octets)
                    damaged.append(("a flipped octet", changed))
                case .tableEnd(var count) where place > parts.count / 2:
                    count.rows += 1
                    var changed = parts
                    changed[place] = .tableEnd(count)
                    damaged.append(("a wrong count", changed))
                default: break
                }
            }
            header.displayName = "Somebody Else"
            damaged.append(("another header", [.header(header)] + parts.dropFirst()))
            header.schemaVersion += 1
            damaged.append(("a newer schema", [.header(header)] + parts.dropFirst()))
            header.schemaVersion = 1
            damaged.append(("an older schema", [.header(header)] + parts.dropFirst()))
            header.format = 2
            damaged.append(("another form", [.header(header)] + parts.dropFirst()))
            damaged.append(("no trailer", Array(parts.dropLast()) + [.trailer(digest: [])]))
            let ends = parts.indices.filter { if case .tableEnd = parts[$0] { true } else { false } }
            let (first, second) = (ends[6], ends[7])
            var reordered = Array(parts[...ends[5]])
            reordered += parts[(first + 1)...second]
            reordered += parts[(ends[5] + 1)...first]
            reordered += parts[(second + 1)...]
            damaged.append(("another order", reordered))
            var shortened = Array(parts[...first])
            shortened += parts[(second + 1)...]
            damaged.append(("a table less", shortened))
            damaged.append(("two headers", [parts[0]] + parts))
            let archives = damaged
            try await Self.elsewhere { target in
                for archive in archives {
                    let error = try await storageError { () async throws(StorageError) in
                        try await Self.retake(archive.parts, target)
                    }
                    #expect(
                        [.archiveRefused, .invalidValue, .corrupt].contains(error.code), "\(archive.what): \(error)")
                    #expect(try await target.registry.tenant(tenant) == nil, "\(archive.what)")
                }
                // Broken off without a word: nothing stays either.
                let cut = try await Self.take(Array(parts.prefix(parts.count / 2)), target)
                #expect(!cut.isOver)
                #expect(try await target.registry.tenant(tenant) == nil)
                try await Self.take(parts, target)
            }
        }
    }
}
