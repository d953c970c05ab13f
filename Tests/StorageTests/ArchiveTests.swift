import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// A tenant goes out of one database and into another, under load, row by row the same, or not at all.
@Suite struct ArchiveTests {
    @Test func aTenantComesElsewhereRowByRow() async throws {
        try await withStorage { source in
            let tenant = try await source.tenant().tenant
            try await ArchiveScene.furnish(tenant, source)
            // While it is read out, others go on to write: what they write is not of that moment.
            let before = try await ArchiveScene.export(tenant, source)
            let parts = try await ArchiveScene.export(tenant, source) { part in
                guard case .table(let table) = part, !table.name.hasPrefix("carillon.") else { return }
                _ = try await source.owner.run(
                    Unit([
                        Query(
                            Statement(
                                "UPDATE t_\(tenant).inbox_counter SET total = total + 1, last_seq = last_seq + 1",
                                prepared: false))
                    ]))
            }
            #expect(ArchiveScene.tables(parts) == ArchiveScene.tables(before))
            #expect(parts.allSatisfy { if case .rows(let octets) = $0 { octets.count <= 262_144 } else { true } })
            try await ArchiveScene.elsewhere { target in
                // An id whose tenant was just erased there is no place for an archive.
                let reservation = Query(TenantLifeStatements.reserve, [.text(tenant), .timestamp(target.now)])
                _ = try await target.owner.run(Unit([reservation]))
                let reserved = try await storageError { () async throws(StorageError) in
                    try await ArchiveScene.retake(parts, target)
                }
                #expect(reserved.code == .idReserved)
                let end = Query(
                    SweepStatements.swept,
                    [.textArray([tenant.rawValue]), .timestamp(target.now)])
                let forgetting = Query(SweepStatements.forget, [.timestamp(target.now)])
                _ = try await target.owner.run(Unit([end, forgetting]))
                let work = try await ArchiveScene.take(parts, target)
                #expect(work.isOver)
                let record = try #require(try await target.registry.tenant(tenant))
                #expect(record.state == .suspended)
                #expect(record.wrappedDataKey == [7, 0, 255])
                #expect(record.displayName == "Northwind Supply")
                let again = try await ArchiveScene.export(tenant, target)
                var (was, is_) = (ArchiveScene.tables(before), ArchiveScene.tables(again))
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
                    try await ArchiveScene.retake(parts, target)
                }
                #expect(twice.code == .alreadyExists)
            }
        }
    }

    @Test func withoutATransferKeyWhatIsSealedStays() async throws {
        try await withStorage { source in
            let tenant = try await source.tenant().tenant
            try await ArchiveScene.furnish(tenant, source)
            let parts = try await ArchiveScene.export(tenant, source, key: [])
            guard case .header(let header) = parts[0] else { throw StorageError(.internalError, "no header") }
            #expect(header.providersWithSecret == ["relay"])
            try await ArchiveScene.elsewhere { target in
                try await ArchiveScene.take(parts, target)
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
            try await ArchiveScene.furnish(tenant, source)
            let parts = try await ArchiveScene.export(tenant, source)
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
            try await ArchiveScene.elsewhere { target in
                for archive in archives {
                    let error = try await storageError { () async throws(StorageError) in
                        try await ArchiveScene.retake(archive.parts, target)
                    }
                    #expect(
                        [.archiveRefused, .invalidValue, .corrupt].contains(error.code), "\(archive.what): \(error)")
                    #expect(try await target.registry.tenant(tenant) == nil, "\(archive.what)")
                }
                // Broken off without a word: nothing stays either.
                let cut = try await ArchiveScene.take(Array(parts.prefix(parts.count / 2)), target)
                #expect(!cut.isOver)
                #expect(try await target.registry.tenant(tenant) == nil)
                try await ArchiveScene.take(parts, target)
            }
        }
    }
}
