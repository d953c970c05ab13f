internal import Foundation

/// The user that PostgreSQL runs as in place of root, which it refuses to serve.
struct ServerUser: Sendable, Equatable {
    /// The user's name.
    let name: String
    /// The user's number.
    let id: uid_t
    /// The number of the user's group.
    let group: gid_t

    /// `postgres`, which Debian's package makes, else `nobody`; nil when this process is not root.
    ///
    /// - Throws: ``DevelopmentTrouble`` when there is neither.
    static func inPlaceOfRoot() throws(DevelopmentTrouble) -> ServerUser? {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name)?.pointee {
                return ServerUser(name: name, id: entry.pw_uid, group: entry.pw_gid)
            }
        }
        throw DevelopmentTrouble("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    }

    /// Whether this user gets through a folder and all above it.
    func canReach(_ folder: URL) -> Bool {
        var path = folder.standardizedFileURL
        while true {
            guard
                let attributes = try? FileManager.default.attributesOfItem(atPath: path.resolvingSymlinksInPath().path),
                let mode = attributes[.posixPermissions] as? Int
            else { return false }
            let number = { (key: FileAttributeKey) in (attributes[key] as? NSNumber)?.uint32Value }
            let isOwner = number(.ownerAccountID) == id
            let isInGroup = number(.groupOwnerAccountID) == group
            // Who may pass: the digit for the owner, for the group, or for all others.
            guard mode >> (isOwner ? 6 : isInGroup ? 3 : 0) & 1 == 1 else { return false }
            if path.path == "/" { return true }
            path.deleteLastPathComponent()
        }
    }
}
