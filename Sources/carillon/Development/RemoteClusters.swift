internal import Foundation

/// Clusters that could not lie in their development directory, and lie below one folder for all of a user's.
///
/// Each says in a file which directory it belongs to. Whoever removes the directory begins anew, so a cluster whose
/// directory is gone is garbage; the next start of any development server takes it away.
struct RemoteClusters {
    private let parent: URL
    private let prefix = "carillon-dev-\(geteuid())-"

    /// The clusters below a folder.
    init(below parent: URL = URL(filePath: "/var/tmp")) {
        self.parent = parent
    }

    /// The place for a directory's cluster.
    func place(for directory: URL, owner: ServerUser?) throws(FileTrouble) -> URL {
        removeOrphans(owner: owner)
        let place = parent.appending(path: prefix + ClusterFolders.fingerprint(of: directory.path))
        try KeptFile.makeFolder(place, mode: 0o700, owner: owner)
        try KeptFile.write(directory.path, to: place.appending(path: "directory"), for: .everybody)
        return place
    }

    private func removeOrphans(owner: ServerUser?) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let place = parent.appending(path: name)
            let attributes = try? FileManager.default.attributesOfItem(atPath: place.path)
            guard attributes?[.type] as? FileAttributeType == .typeDirectory,
                (attributes?[.ownerAccountID] as? NSNumber)?.uint32Value == owner?.id ?? geteuid(),
                let directory = KeptFile.read(place.appending(path: "directory")), directory.hasPrefix("/"),
                !FileManager.default.fileExists(atPath: directory)
            else { continue }
            // One that still runs is used by a process that will find out by itself; it is not ours to end.
            guard !FileManager.default.fileExists(atPath: place.appending(path: "data/postmaster.pid").path) else {
                continue
            }
            try? FileManager.default.removeItem(at: place)
        }
    }
}
