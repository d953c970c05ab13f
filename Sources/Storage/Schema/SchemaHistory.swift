/// A kind of schema with all its versions, as this program knows it.
struct SchemaHistory: Sendable {
    /// What `carillon.schema_version` calls it.
    let component: String
    /// What a person calls it, at the beginning of a sentence.
    let subject: String
    /// The version that the first of ``migrations`` starts from.
    let base: Int32
    /// All migrations, in order.
    let migrations: [Migration]

    /// The version that this program makes and needs.
    var version: Int32 { migrations.last?.version ?? base }

    /// The version of the oldest programs that can use a schema of a version.
    func servesFrom(at version: Int32) -> Int32 {
        migrations.lazy.filter { $0.version <= version }.compactMap(\.servesFrom).max() ?? 1
    }

    /// What leads from a version to this program's.
    func migrations(after version: Int32) -> [Migration] {
        migrations.filter { $0.version > version }
    }
}

extension SchemaHistory {
    /// The registry.
    static let registry = SchemaHistory(
        component: "registry", subject: "the registry", base: 0, migrations: RegistrySchema.migrations)
    /// The schemas of tenants.
    static let tenant = SchemaHistory(
        component: "tenant", subject: "the schema of tenants", base: 1, migrations: TenantSchema.migrations)
}

/// What `carillon.schema_version` says of one kind of schema.
struct StoredVersion: Sendable, Hashable {
    /// The registry's version; of tenants' schemas the newest that any of them may have.
    var version: Int32
    /// The version of the oldest programs that can use it.
    var servesFrom: Int32
}

/// How a database and a program stand to each other, by one kind of schema.
enum SchemaFit: Sendable, Hashable {
    /// The program can use it: it is of the program's version, or newer and has kept what the program uses.
    case fit
    /// The program needs a newer one.
    case behind
    /// It has given up what the program uses.
    case contracted

    /// - Parameters:
    ///   - stored: what the database says; nil for none.
    ///   - program: the version that the program makes and needs.
    init(stored: StoredVersion?, program: Int32) {
        let stored = stored ?? StoredVersion(version: 0, servesFrom: 0)
        self = stored.servesFrom > program ? .contracted : stored.version < program ? .behind : .fit
    }
}

extension SchemaHistory {
    /// Why a program with this history cannot use a database, and what to do; nil if it can.
    func problem(_ stored: StoredVersion?) -> String? {
        switch SchemaFit(stored: stored, program: version) {
        case .fit: nil
        case .behind:
            "\(subject) is at version \(stored?.version ?? 0), and this program needs \(version): run `carillon migrate`"
        case .contracted:
            """
            \(subject) is at version \(stored?.version ?? 0), which programs of schema version \(stored?.servesFrom ?? 0) \
            and later can use, and this program's is \(version): use a newer carillon
            """
        }
    }

    /// Why a program with this history must not migrate a database, and what to do; nil if it may.
    func refusal(_ stored: StoredVersion?) -> String? {
        guard let stored, stored.version > version else { return nil }
        return """
            \(subject) is at version \(stored.version), newer than this program's \(version): migrate with the carillon \
            that made it, or a newer one
            """
    }
}
