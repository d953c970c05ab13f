internal import Foundation

/// Where a development cluster lies.
struct ClusterFolders: Equatable {
    /// The cluster's data.
    let data: URL
    /// The server's socket.
    let socket: URL

    /// Octets that the path of a Unix socket may have (`sun_path`, unix(7)), less its end mark.
    private static let longestSocketPath = 107

    /// Chooses the folders, and makes those above `data`.
    ///
    /// Everything lies in the development directory if it can. When the server runs as another user than root and
    /// cannot get there (a clone in root's home), the cluster lies below `/var/tmp`; when the path of the socket is
    /// too long, the socket lies below `/tmp`. Both under a name that belongs to the directory.
    static func make(in directory: URL, for user: ServerUser?) throws(FileTrouble) -> ClusterFolders {
        let base: URL
        if user?.canReach(directory) ?? true {
            base = directory.appending(path: "postgres")
            try KeptFile.makeFolder(base, mode: 0o700, owner: user)
        } else {
            base = try RemoteClusters().place(for: directory, owner: user)
        }
        let near = base.appending(path: "socket")
        let isShort = near.appending(path: ".s.PGSQL.5432").path.utf8.count <= longestSocketPath
        let socket = isShort ? near : URL(filePath: "/tmp/carillon-dev-\(geteuid())-\(fingerprint(of: directory.path))")
        try KeptFile.makeFolder(socket, mode: 0o700, owner: user)
        return ClusterFolders(data: base.appending(path: "data"), socket: socket)
    }

    /// The same for every run (FNV-1a), unlike Swift's own hashes.
    static func fingerprint(of path: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for octet in path.utf8 { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01b3 }
        return String(hash, radix: 36)
    }
}
