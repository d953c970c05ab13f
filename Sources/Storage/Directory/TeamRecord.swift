package import Domain
internal import Postgres

/// The supplier's team as it is stored: on the row of `account` with the empty id, which is the supplier's own. Its members are users.
package struct TeamRecord: Sendable, Hashable {
    /// The team's name; empty for none.
    package let displayName: String
    /// Where mail to the team goes, besides its members; nil for nowhere.
    package let mailbox: String?
    /// What is chosen for the mailbox, in a fixed order.
    package let choices: [DefaultChoice]
    /// Grows with each change of the supplier's row: its etag.
    package let revision: Int64
    /// When the row was changed last.
    package let updatedAt: Instant

    /// Reads ``DirectoryStatements/accountColumns``.
    init(row: Row) throws(PostgresError) {
        displayName = try row.text(1)
        mailbox = try row.optionalText(4)
        revision = try row.int8(9)
        updatedAt = try row.instant(11)
        choices = DefaultChoice.list(json: try row.optionalText(12))
    }
}

/// What the team shall be.
package struct TeamWrite: Sendable, Hashable {
    /// Fields that a change may be limited to.
    package enum Field: String, CaseIterable, Sendable, Hashable {
        case displayName = "display_name"
        case mailbox
        case choices
    }

    /// The team's name.
    package var displayName: String
    /// Where mail to the team goes; nil for nowhere.
    package var mailbox: String?
    /// What is chosen for the mailbox, each place once.
    package var choices: [DefaultChoice]

    /// Describes a team.
    package init(displayName: String = "", mailbox: String? = nil, choices: [DefaultChoice] = []) {
        self.displayName = displayName
        self.mailbox = mailbox
        self.choices = choices
    }

    /// These fields as JSON, for the audit.
    func audited(_ fields: Set<Field>) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for field in Field.allCases where fields.contains(field) {
                writer.key(field.rawValue)
                switch field {
                case .displayName: writer.string(displayName)
                case .mailbox: writer.optional(mailbox)
                case .choices: writer.json(DefaultChoice.json(choices))
                }
            }
        }
        return writer.text
    }
}
