internal import Foundation
internal import Synchronization

/// The folders of clusters. A folder's name carries the number of the process that made it, so that a later process can
/// remove what a killed one has left.
enum ClusterFolders {
    private static let prefix = "carillon-pg-"
    private static let numbers = Atomic<Int>(0)
    private static let sweep: Void = removeOrphans()
    // Not the folder that TMPDIR names: the path of a socket must be shorter than 108 bytes.
    private static let parent = URL(fileURLWithPath: "/tmp")

    /// Makes an empty folder that belongs to the server's user.
    static func make(for user: PostgresPrograms.User?) throws -> URL {
        _ = sweep
        let number = numbers.add(1, ordering: .relaxed).newValue
        let folder = parent.appendingPathComponent("\(prefix)\(getpid())-\(number)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        if let user, chown(folder.path, user.id, user.group) != 0 {
            throw ClusterError("cannot give \(folder.path) to \(user.name)")
        }
        return folder
    }

    private static func removeOrphans() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let owner = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ pid_t($0) }) else {
                continue
            }
            // Signal 0 only asks whether the process is there.
            guard kill(owner, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(at: parent.appendingPathComponent(name))
        }
    }
}

/// The clusters that are to be removed when the process exits, also when a test has failed.
enum RunningClusters {
    private static let clusters = Mutex<[PrivateCluster]>([])
    private static let registration: Void = {
        atexit { RunningClusters.removeAll() }
    }()

    static func add(_ cluster: PrivateCluster) {
        _ = registration
        clusters.withLock { $0.append(cluster) }
    }

    static func remove(_ cluster: PrivateCluster) {
        clusters.withLock { $0.removeAll { $0 === cluster } }
    }

    private static func removeAll() {
        for cluster in clusters.withLock({ $0 }) { cluster.remove() }
    }
}
