package import Domain
internal import Postgres

/// A move that was begun and is not over.
package struct TenantMoveRecord: Sendable, Hashable {
    /// Which tenant.
    package let tenant: TenantID
    /// Which move of it: the id of the line of the audit with which it began.
    package let id: UUIDv7
    /// Where it lived when the move began.
    package let source: DatabaseName
    /// Where it shall live.
    package let target: DatabaseName
    /// How far it is.
    package var stage: MoveStage

    /// What the copy's schema is marked with until it is opened, so that nothing else is taken for it.
    var mark: String { "carillon move \(id)" }

    /// What it means for the tenant that a move was broken off here, and how it ends.
    var leftover: String {
        let consequence =
            switch stage {
            case .copying, .draining: "it is served where it was"
            case .held, .restoring, .switched: "its calls are refused"
            case .opened: "it is served there"
            }
        let command = "carillon tenant move \(tenant)"
        let back = stage.canBeAborted ? ", `\(command) --abort` takes it back" : ""
        return "a move of \(tenant) to \(target) was begun before and is \(stage.rawValue), so \(consequence): "
            + "unless a program is at it, `\(command) --to \(target)` goes on\(back)"
    }
}

extension TenantMoveRecord {
    /// Reads ``MoveStatements/move``.
    init(row: Row) throws(PostgresError) {
        tenant = try row.identifier(0)
        source = try row.databaseName(1)
        target = try row.databaseName(2)
        stage = try row.value(3)
        id = try row.uuidv7(4)
    }
}

extension TenantAdministration {
    /// The move that a tenant is in; nil if it is in none.
    package func move(of tenant: TenantID) async throws(StorageError) -> TenantMoveRecord? {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(MoveStatements.move, [.text(tenant)])]))[0].readFirst(TenantMoveRecord.init(row:))
        }
    }
}
