package import Domain
internal import Postgres

/// What became of looking at one chain.
package enum AuditReport: Sendable, Hashable {
    /// It was read.
    case found(AuditFinding)
    /// It could not be read, and why.
    case unread(chain: String, why: String)

    /// Whether the chain was read and is intact.
    package var isIntact: Bool {
        if case .found(let finding) = self { finding.firstBreak == nil } else { false }
    }
}

extension TenantAdministration {
    /// Lines that are in memory at a time.
    static let auditPage: Int64 = 1000

    /// Reads chains from their first line to their last and recomputes every hash, while others go on writing.
    ///
    /// - Parameters:
    ///   - tenant: whose two chains; nil for those of all tenants and the installation's.
    ///   - anchors: what was told of chains before. A chain that one names and that is gone is broken.
    ///   - report: told of each chain.
    package func verifyAudits(
        of tenant: TenantID? = nil, anchors: [AuditAnchor] = [], report: (AuditReport) -> Void
    ) async throws(StorageError) {
        var anchored = Set(anchors.lazy.filter { $0.seq > 0 }.map(\.chain))
        if let tenant { anchored.formIntersection(["tenant/\(tenant)", "registry/\(tenant)"]) }
        let chains: [String] =
            if let tenant { [tenant.rawValue] } else { try await registryChains() }
        for chain in chains {
            let name = AuditChain.registryScope(chain)
            anchored.remove(name)
            report(
                .found(
                    try await verify(
                        name, scope: name, .registry, registryChain: chain, anchors: anchors)))
        }
        var after: TenantID?
        repeat {
            let tenants = try await auditedTenants(tenant, after: after)
            for one in tenants {
                anchored.remove("tenant/\(one.id)")
                report(try await look(at: one, anchors: anchors))
            }
            after = tenant == nil ? tenants.last?.id : nil
        } while after != nil
        for chain in anchored.sorted() { report(.unread(chain: chain, why: "an anchor names it, and it is gone")) }
    }

    /// The newest lines of a tenant, newest first: those in its schema, and those of what operators did to it.
    ///
    /// - Parameter limit: the most lines.
    package func newestAuditLines(of tenant: TenantID, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(ChainStatements(SchemaName(tenant)).newest, [.int8(Int64(limit))]),
                Query(ChainStatements.registry.newest, [.int8(Int64(limit)), .text(tenant)]),
            ])
            var entries: [AuditEntry] = []
            for result in results { entries += try result.read(AuditEntry.init(row:)) }
            return Array(entries.sorted { $0.id > $1.id }.prefix(limit))
        }
    }

    private struct AuditedTenant {
        let id: TenantID
        let database: String
        let version: Int32
    }

    private func look(at tenant: AuditedTenant, anchors: [AuditAnchor]) async throws(StorageError) -> AuditReport {
        let chain = "tenant/\(tenant.id)"
        guard tenant.database == DatabaseName.main.rawValue else {
            return .unread(chain: chain, why: "the tenant lives in the database \(tenant.database)")
        }
        guard tenant.version >= 2 else { return .unread(chain: chain, why: "the tenant is not migrated") }
        do throws(StorageError) {
            return .found(
                try await verify(
                    chain, scope: AuditChain.tenantScope, ChainStatements(SchemaName(tenant.id)), registryChain: nil,
                    anchors: anchors))
        } catch {
            // What one tenant's schema lacks must not hide the others; without a connection there is nothing to look at.
            guard error.code != .unavailable, error.code != .deadlineExceeded else { throw error }
            return .unread(chain: chain, why: error.cause?.debugDescription ?? error.message)
        }
    }

    private func verify(
        _ chain: String, scope: String, _ statements: ChainStatements, registryChain: String?, anchors: [AuditAnchor]
    ) async throws(StorageError) -> AuditFinding {
        try await storing { () async throws(PostgresError) in
            let own = registryChain.map { [Parameter.text($0)] } ?? []
            var verifier = ChainVerifier(chain: chain, scope: scope, anchors: anchors)
            var after = Int64.min
            while verifier.firstBreak == nil {
                let results = try await run([
                    Query(statements.head, own), Query(statements.page, [.int8(after), .int8(Self.auditPage)] + own),
                ])
                let entries = try results[1].read(AuditEntry.init(row:))
                // Lines and head are compared when no further line is seen after the head was read: until then, lines may
                // have been added between the two.
                guard let last = entries.last?.seq else {
                    let stored = try results[0].readFirst { row throws(PostgresError) in
                        (seq: try row.int8(0), hash: try row.bytes(1))
                    }
                    // Tenants that are older than the registry's chains have none there.
                    verifier.end(stored: stored, isHeadNeeded: registryChain == nil)
                    break
                }
                for entry in entries { verifier.take(entry) }
                after = last
            }
            var unchained: Int64 = 0
            if let statement = statements.unchained {
                unchained =
                    try (try await run([Query(statement)]))[0].readFirst { row throws(PostgresError) in
                        try row.int8(0)
                    } ?? 0
            }
            return AuditFinding(
                head: verifier.head, lines: verifier.lines, unchained: unchained, firstBreak: verifier.firstBreak)
        }
    }

    private func registryChains() async throws(StorageError) -> [String] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(AuditReadingStatements.chains)]))[0].read { row throws(PostgresError) in
                try row.text(0)
            }
        }
    }

    private func auditedTenants(
        _ tenant: TenantID?, after: TenantID?
    ) async throws(StorageError) -> [AuditedTenant] {
        try await storing { () async throws(PostgresError) in
            let query =
                tenant.map { Query(AuditReadingStatements.tenant, [.text($0)]) }
                ?? Query(AuditReadingStatements.tenants, [.text(after?.rawValue ?? ""), .int8(100)])
            return try (try await run([query]))[0].read { row throws(PostgresError) in
                AuditedTenant(id: try row.identifier(0), database: try row.text(1), version: try row.int4(2))
            }
        }
    }
}
