import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Roles belong to a whole cluster, so these tests have one of their own.
@Suite(.serialized) struct ReadinessTests {
    private static let cluster = Result { try PrivateCluster() }

    private func problems(_ info: String) async throws -> String? {
        try await withPool(info, configure: { $0.connectTimeout = Fixture.patience }) { pool, _ in
            do throws(StorageError) {
                try await RegistryStore(pool: pool).verifyReadiness()
                return nil
            } catch {
                #expect(error.code == .notReady)
                return error.message
            }
        }
    }

    private func migrate(_ info: String) async throws -> Int32 {
        try await withPool(info, configure: { $0.connectTimeout = Fixture.patience }) { pool, loop in
            let administration = TenantAdministration(pool: pool) { duration throws(CancellationError) in
                try await loop.sleep(for: duration)
            }
            return try await administration.migrateRegistry(now: Fixture.epoch)
        }
    }

    @Test func whatIsMissingIsSaidAndServingRefused() async throws {
        let cluster = try Self.cluster.get()
        let database = try cluster.makeDatabase()
        let superuser = cluster.connectionInfo(database: database)
        let serve = cluster.connectionInfo(database: database, user: "carillon_serve")
        let owner = cluster.connectionInfo(database: database, user: "carillon_owner")

        let untouched = try #require(try await problems(superuser))
        for part in [
            "set_config", "query_to_xml", "pg_sleep", "search_path", "rights beyond serving", "bootstrap", "TEMPORARY",
            "trusted languages", "carillon migrate",
        ] { #expect(untouched.contains(part), "\(part) is missing in: \(untouched)") }

        try cluster.execute(Bootstrap.script, database: database)
        try cluster.execute(Bootstrap.script, database: database)
        let bare = try #require(try await problems(serve))
        #expect(bare.contains("carillon migrate"))
        #expect(!bare.contains("bootstrap"), "\(bare)")

        #expect(try await migrate(owner) == 0)
        #expect(try await migrate(owner) == RegistrySchema.version)
        #expect(try await problems(serve) == nil)
        #expect(try await problems(owner)?.contains("rights beyond serving") == true)

        for (harm, mend, word) in [
            (
                "GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO PUBLIC",
                "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC", "set_config"
            ),
            ("ALTER ROLE carillon_serve INHERIT", "ALTER ROLE carillon_serve NOINHERIT", "NOINHERIT"),
            (
                "GRANT carillon_owner TO carillon_serve", "REVOKE carillon_owner FROM carillon_serve",
                "member of carillon_owner"
            ),
            ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "schema public"),
            (
                "UPDATE carillon.schema_version SET version = 0 WHERE component = 'registry'",
                "UPDATE carillon.schema_version SET version = \(RegistrySchema.version) WHERE component = 'registry'",
                "version 0"
            ),
        ] {
            try cluster.execute(harm, database: database)
            #expect(try await problems(serve)?.contains(word) == true)
            try cluster.execute(mend, database: database)
            #expect(try await problems(serve) == nil)
        }
    }

    @Test func everyLoginIsHeldToItsDuty() async throws {
        let cluster = try Self.cluster.get()
        let database = try cluster.makeDatabase()
        try cluster.execute(Bootstrap.script, database: database)
        func problem(_ duty: LoginDuty, _ login: String) async throws -> String? {
            let info = cluster.connectionInfo(database: database, user: login)
            // Only the loop of the pool is used.
            return try await withPool(info, configure: { $0.connectTimeout = Fixture.patience }) { _, loop in
                do throws(StorageError) {
                    try await duty.verify(PostgresConfiguration(connectionInfo: info), on: loop)
                    return nil
                } catch {
                    #expect(error.code == .notReady, "\(error)")
                    return error.message
                }
            }
        }
        let logins: [(LoginDuty, String)] = [
            (.serve, "carillon_serve"), (.work, "carillon_work"), (.own, "carillon_owner"),
        ]
        for (duty, login) in logins {
            #expect(try await problem(duty, login) == nil, "\(login)")
            let other = login == "carillon_owner" ? "carillon_serve" : "carillon_owner"
            for (harm, mend, word) in [
                ("ALTER ROLE \(login) SUPERUSER", "ALTER ROLE \(login) NOSUPERUSER", "rights beyond"),
                ("ALTER ROLE \(login) BYPASSRLS", "ALTER ROLE \(login) NOBYPASSRLS", "rights beyond"),
                ("ALTER ROLE \(login) REPLICATION", "ALTER ROLE \(login) NOREPLICATION", "rights beyond"),
                ("ALTER ROLE \(login) INHERIT", "ALTER ROLE \(login) NOINHERIT", "NOINHERIT"),
                ("GRANT \(other) TO \(login)", "REVOKE \(other) FROM \(login)", "member of \(other)"),
                (
                    "GRANT pg_read_all_data TO \(login)", "REVOKE pg_read_all_data FROM \(login)",
                    "member of pg_read_all_data"
                ),
                ("GRANT postgres TO \(login)", "REVOKE postgres FROM \(login)", "postgres"),
            ] {
                try cluster.execute(harm, database: database)
                let said = try await problem(duty, login)
                #expect(said?.contains(word) == true && said?.contains(login) == true, "\(harm): \(said ?? "nothing")")
                try cluster.execute(mend, database: database)
                #expect(try await problem(duty, login) == nil, "\(mend)")
            }
            // Making roles is one duty's alone; tenants' roles are everybody's.
            if duty != .own {
                try cluster.execute("ALTER ROLE \(login) CREATEROLE", database: database)
                #expect(try await problem(duty, login)?.contains("CREATEROLE") == true)
                try cluster.execute("ALTER ROLE \(login) NOCREATEROLE", database: database)
            }
            try cluster.execute("CREATE ROLE t_of_\(login); GRANT t_of_\(login) TO \(login)", database: database)
            #expect(try await problem(duty, login) == nil)
        }
    }

    /// libpq runs the script as one; a superuser's connection of ours runs it as statements.
    @Test func theStatementsDoWhatTheScriptDoes() async throws {
        let cluster = try Self.cluster.get()
        let database = try cluster.makeDatabase()
        try await withPool(
            cluster.connectionInfo(database: database), configure: { $0.connectTimeout = Fixture.patience }
        ) { pool, _ in
            for _ in 1...2 { _ = try await pool.run(Unit(Bootstrap.statements.map { Query($0) })) }
        }
        _ = try await migrate(cluster.connectionInfo(database: database, user: "carillon_owner"))
        #expect(try await problems(cluster.connectionInfo(database: database, user: "carillon_serve")) == nil)
    }
}
