internal import Foundation

/// A server that an earlier run left behind. Whoever looks for one holds the directory's lock, so nobody else uses it.
enum LeftoverServer {
    /// Sees to it that no server works on the data, and that no file claims so.
    ///
    /// - Throws: ``DevelopmentTrouble`` if a server does not stop.
    static func clear(_ data: URL) throws(DevelopmentTrouble) {
        #if os(Linux)
            let file = data.appending(path: "postmaster.pid")
            guard let text = KeptFile.read(file), let process = text.split(separator: "\n").first.flatMap({ pid_t($0) })
            else { return }
            guard isServer(process, on: data) else {
                // The number belongs to nobody, or to another program by now; PostgreSQL itself sees only the former.
                try? FileManager.default.removeItem(at: file)
                return
            }
            for (signal, seconds) in [(SIGINT, 20), (SIGQUIT, 10)] {
                kill(process, signal)
                for _ in 0..<(seconds * 20) {
                    guard isServer(process, on: data) else { return }
                    usleep(50_000)
                }
            }
            throw DevelopmentTrouble("an earlier PostgreSQL server, process \(process), does not stop")
        #endif
    }

    #if os(Linux)
        /// Whether a process is a server that works on the data: it has changed into that folder.
        private static func isServer(_ process: pid_t, on data: URL) -> Bool {
            let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
            return folder == data.resolvingSymlinksInPath().path
        }
    #endif
}
