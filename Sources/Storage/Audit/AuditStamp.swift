package import Domain

/// Who makes a change, and the id of the line that the change leaves in the tenant's audit.
package struct AuditStamp: Sendable, Hashable {
    /// The line's id, which carries the time.
    package let id: UUIDv7
    /// Who: `key/<key id>`, `user/<user id>`, `operator/<key id>`.
    package let actor: String

    /// A stamp for one change.
    package init(id: UUIDv7, actor: String) {
        self.id = id
        self.actor = actor
    }
}
