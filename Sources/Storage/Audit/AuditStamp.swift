package import Domain

/// Who makes a change and from where, and the id of the line that the change leaves in an audit.
package struct AuditStamp: Sendable, Hashable {
    /// The line's id, which carries the time.
    package let id: UUIDv7
    /// Who: `key/<key id>`, `user/<user id>`, `operator/<key id>`, `worker`, `maintenance`.
    package let actor: String
    /// From where: the client's address without its port, and the program's name if it told one. Never a secret.
    package let origin: String

    /// A stamp for one change.
    package init(id: UUIDv7, actor: String, origin: String) {
        self.id = id
        self.actor = actor
        self.origin = origin
    }
}
