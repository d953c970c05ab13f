internal import Domain

// What the audit compares a write with, as JSON of the fields that it changes. The names are those of the fields; the
// database masks names of people and addresses before it stores anything.

extension AccountWrite {
    /// These fields as JSON.
    func audited(_ fields: Set<Field>) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for field in Field.allCases where fields.contains(field) {
                writer.key(field.rawValue)
                switch field {
                case .displayName: writer.string(displayName)
                case .assignedUsers: writer.array(assignedUsers) { $0.string($1.rawValue) }
                case .billingEmail: writer.optional(billingEmail)
                case .notificationsSuppressed: writer.bool(notificationsSuppressed)
                case .timeZone: writer.optional(timeZone)
                case .locale: writer.optional(locale)
                }
            }
        }
        return writer.text
    }
}

extension UserWrite {
    /// These fields as JSON; addresses by channel, the preferred one first.
    func audited(_ fields: Set<Field>) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for field in Field.allCases where fields.contains(field) {
                writer.key(field.rawValue)
                switch field {
                case .account: writer.string(account?.rawValue ?? "")
                case .displayName: writer.string(displayName)
                case .status: writer.string(status.rawValue)
                case .isAdmin: writer.bool(isAdmin)
                case .isTeamMember: writer.bool(isTeamMember)
                case .timeZone: writer.optional(timeZone)
                case .locale: writer.optional(locale)
                case .contactPoints:
                    let places = contactPoints.indices.sorted {
                        (contactPoints[$0].channel.rawValue, $0) < (contactPoints[$1].channel.rawValue, $1)
                    }
                    writer.array(places) { writer, place in
                        writer.array {
                            $0.string(contactPoints[place].channel.rawValue)
                            $0.string(contactPoints[place].address)
                        }
                    }
                }
            }
        }
        return writer.text
    }
}
