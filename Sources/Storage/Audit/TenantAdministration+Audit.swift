package import Domain
internal import Postgres

/// What became of looking at one chain.
package enum AuditReport: Sendable, Hashable {
    /// It was read.
    case found(AuditFinding)
    /// It could not be read, and why.
    case unread(chain: String, why: String)
    /// It went with its tenant, which was erased: the installation's audit says so.
    case erased(chain: String)

    /// Whether nothing is wrong with the chain: it was read and is intact, or it went with its tenant.
    package var isIntact: Bool {
        switch self {
        case .found(let finding): finding.firstBreak == nil
        case .unread: false
        case .erased: true
        }
    }
}

extension TenantAdministration {
    /// Lines that are in memory at a time.
    static let auditPage: Int64 = 1000

    /// Reads chains from their first line to their last and recomputes every hash, in every database, while others go on
    /// writing, and while tenants are made and erased.
    ///
    /// - Parameters:
    ///   - tenant: whose two chains; nil for those of all tenants and the installation's.
    ///   - anchors: what was told of chains before. A chain that one names and that is gone, or began anew, is broken, unless the
    ///     installation's audit says that the tenant was erased behind the beginning of what the anchor names.
    ///   - report: told of each chain.
    /// - Throws: ``StorageError/Code/unavailable`` when the registry's database is away. What lives in another one that is
    ///   away is reported as not read.
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
            let finding = try await verify(
                name, scope: name, .registry, registryChain: chain, anchors: anchors, at: .main)
            report(try await settled(.found(finding), of: name))
        }
        var after: TenantID?
        // Whoever is away is asked once: each further tenant there would wait as long.
        var away: Set<TenantPlace> = []
        repeat {
            let tenants = try await auditedTenants(tenant, after: after)
            for one in tenants {
                anchored.remove("tenant/\(one.id)")
                report(try await look(at: one, anchors: anchors, away: &away))
            }
            after = tenant == nil ? tenants.last?.id : nil
        } while after != nil
        for chain in anchored.sorted() {
            report(try await settled(.unread(chain: chain, why: "an anchor names it, and it is gone"), of: chain))
        }
    }

    /// The newest lines of a tenant, newest first: those in its schema, and those of what operators did to it.
    ///
    /// - Parameter limit: the most lines.
    package func newestAuditLines(of tenant: TenantID, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await storing { () async throws(PostgresError) in
            let own = Query(ChainStatements(SchemaName(tenant)).newest, [.int8(Int64(limit))])
            let registry = Query(ChainStatements.registry.newest, [.int8(Int64(limit)), .text(tenant)])
            let place = try await place(of: tenant)
            var entries: [AuditEntry] = []
            for result in try await run([own], at: place) + run([registry]) {
                entries += try result.read(AuditEntry.init(row:))
            }
            return Array(entries.sorted { $0.id > $1.id }.prefix(limit))
        }
    }

    private struct AuditedTenant: Hashable {
        let id: TenantID
        let place: TenantPlace
        let version: Int32
    }

    private func look(
        at tenant: AuditedTenant, anchors: [AuditAnchor], away: inout Set<TenantPlace>
    ) async throws(StorageError) -> AuditReport {
        let chain = "tenant/\(tenant.id)"
        let isAway = AuditReport.unread(chain: chain, why: "the database \(tenant.place.database) is away")
        guard tenant.version >= 2 else { return .unread(chain: chain, why: "the tenant is not migrated") }
        guard !away.contains(tenant.place) else { return isAway }
        let report: AuditReport
        do throws(StorageError) {
            report = .found(
                try await verify(
                    chain, scope: AuditChain.tenantScope, ChainStatements(SchemaName(tenant.id)), registryChain: nil,
                    anchors: anchors, at: tenant.place))
        } catch  where error.code == .unavailable || error.code == .deadlineExceeded {
            // Without the registry there is nothing to look at; other databases are missed by their own tenants only.
            guard tenant.place != .main else { throw error }
            away.insert(tenant.place)
            return isAway
        } catch {
            // What one tenant's schema lacks must not hide the others.
            report = .unread(chain: chain, why: error.cause?.debugDescription ?? error.message)
        }
        if !report.isIntact, let moved = try await auditedTenants(tenant.id, after: nil).first, moved != tenant {
            return try await look(at: moved, anchors: anchors, away: &away)
        }
        return try await settled(report, of: chain)
    }

    /// What a report comes to when the tenant of the chain may have been erased: before, or while the chain was read.
    private func settled(_ report: AuditReport, of chain: String) async throws(StorageError) -> AuditReport {
        if case .found(let finding) = report, finding.firstBreak == nil, finding.lines > 0 { return report }
        guard let tenant = Self.tenant(of: chain) else { return report }
        return try await wasErased(tenant) ? .erased(chain: chain) : report
    }

    private func wasErased(_ tenant: TenantID) async throws(StorageError) -> Bool {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(AuditReadingStatements.wasErased, [.text(tenant)])]))[0].readFirst {
                row throws(PostgresError) in try row.bool(0)
            } ?? false
        }
    }

    private func verify(
        _ chain: String, scope: String, _ statements: ChainStatements, registryChain: String?, anchors: [AuditAnchor],
        at place: TenantPlace
    ) async throws(StorageError) -> AuditFinding {
        try await storing { () async throws(PostgresError) in
            let own = registryChain.map { [Parameter.text($0)] } ?? []
            var verifier = ChainVerifier(chain: chain, scope: scope, anchors: anchors)
            var after = Int64.min
            while verifier.firstBreak == nil {
                let results = try await run(
                    [
                        Query(statements.head, own),
                        Query(statements.page, [.int8(after), .int8(Self.auditPage)] + own),
                    ], at: place)
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
                    try (try await run([Query(statement)], at: place))[0].readFirst { row throws(PostgresError) in
                        try row.int8(0)
                    } ?? 0
            }
            let isErased = try await wereErased(verifier.otherLives, of: chain, before: verifier.life)
            if !isErased { verifier.breakOffOtherLife() }
            return AuditFinding(
                head: verifier.head, lines: verifier.lines, unchained: unchained, firstBreak: verifier.firstBreak,
                erasedLives: isErased ? verifier.otherLives.count : 0)
        }
    }

    /// Whether an erasure ended each of these lives of a chain, before the present one began.
    private func wereErased(
        _ lives: Set<UUIDBytes>, of chain: String, before present: UUIDBytes?
    ) async throws(PostgresError) -> Bool {
        guard !lives.isEmpty else { return true }
        guard let tenant = Self.tenant(of: chain) else { return false }
        let query = Query(
            AuditReadingStatements.erasedLives,
            [.text(tenant), .uuidArray(lives.sorted()), present.map { .uuid($0) } ?? .null])
        let erased = try (try await run([query]))[0].readFirst { row throws(PostgresError) in try row.int8(0) }
        return erased == Int64(lives.count)
    }

    /// Whose a chain is; nil for the installation's.
    private static func tenant(of chain: String) -> TenantID? {
        TenantID(String(chain.drop { $0 != "/" }.dropFirst()))
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
                AuditedTenant(
                    id: try row.identifier(0), place: try TenantPlace(row: row, from: 1), version: try row.int4(3))
            }
        }
    }
}
