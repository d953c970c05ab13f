internal import Postgres

/// A part of a migration that is a transaction of its own, or several.
///
/// What a migration locks it holds until the end of the step, so a step touches one large table at most, and reads none of
/// it while it holds a lock that keeps the service out.
struct MigrationStep: Sendable {
    /// How it is carried out.
    enum Kind: Sendable {
        /// All statements in one transaction.
        case transaction
        /// One statement, again and again, each time a transaction, until it touches no row: it changes a bounded number
        /// of rows that it has not changed yet.
        case batches
    }

    /// How it is carried out.
    let kind: Kind
    /// What it is for; empty if nobody said.
    let title: String
    /// Its statements.
    let script: SQLScript
}

extension SQLScript {
    /// The steps of a migration. In its file a line `-- step: title` begins a transaction, and a line `-- batch: title` a
    /// statement that is repeated; without such lines all is one transaction.
    var steps: [MigrationStep] {
        var steps: [MigrationStep] = []
        var current = (kind: MigrationStep.Kind.transaction, title: "")
        var lines: [Substring] = []
        func end() {
            let script = SQLScript(lines.joined(separator: "\n"))
            lines = []
            guard script.hasStatements else { return }
            steps.append(MigrationStep(kind: current.kind, title: current.title, script: script))
        }
        for line in source.split(separator: "\n") {
            guard let (kind, title) = Self.marker(line) else {
                lines.append(line)
                continue
            }
            end()
            current = (kind, title)
        }
        end()
        return steps
    }

    private static func marker(_ line: Substring) -> (MigrationStep.Kind, String)? {
        for (prefix, kind) in [("-- step: ", MigrationStep.Kind.transaction), ("-- batch: ", .batches)]
        where line.hasPrefix(prefix) {
            return (kind, String(line.dropFirst(prefix.count)))
        }
        return nil
    }

    private var hasStatements: Bool {
        source.split(separator: "\n").contains { !$0.hasPrefix("--") }
    }
}
