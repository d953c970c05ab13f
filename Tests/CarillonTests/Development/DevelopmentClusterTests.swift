import Foundation
import Synchronization
import Testing

@testable import carillon

/// One cluster for all tests, since making one takes a second; hence one after the other.
@Suite("The development cluster", .serialized)
struct DevelopmentClusterTests {
    private static let path = ProcessInfo.processInfo.environment["PATH"] ?? ""

    private static func start(
        in folder: ScratchFolder, progress: (String) -> Void = { _ in },
        onCrash: @escaping @Sendable () -> Void = {}
    ) throws -> DevelopmentCluster {
        try DevelopmentCluster.start(in: folder.url, path: path, progress: progress, onCrash: onCrash)
    }

    private static func postmaster(of folder: ScratchFolder) throws -> pid_t {
        let user = try ServerUser.inPlaceOfRoot()
        let data = try ClusterFolders.make(in: folder.url, for: user).data
        let text = try String(contentsOf: data.appending(path: "postmaster.pid"), encoding: .utf8)
        return try #require(text.split(separator: "\n").first.flatMap { pid_t($0) })
    }

    @Test("is made once, keeps what it is told, and outlives a killed server and a leftover one")
    func life() throws {
        let folder = try ScratchFolder()
        try KeptFile.makeFolder(folder.url, mode: 0o711)
        let steps = Mutex<[String]>([])
        let first = try Self.start(in: folder) { step in steps.withLock { $0.append(step) } }
        #expect(steps.withLock { $0.count } == 1)
        try first.bootstrap("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        #expect(first.connectionString(user: "carillon_serve").hasSuffix("dbname=carillon user=carillon_serve"))
        first.stop()
        #expect(throws: (any Error).self) { try first.bootstrap("SELECT 1") }

        // Killed: the owner hears of it, and the next start recovers, with a stale postmaster.pid in its way.
        let crashed = DispatchSemaphore(value: 0)
        let second = try Self.start(in: folder, progress: { _ in Issue.record("made again") }) { crashed.signal() }
        try second.bootstrap("INSERT INTO kept VALUES (8)")
        let killed = try Self.postmaster(of: folder)
        #expect(kill(killed, SIGKILL) == 0)
        #expect(crashed.wait(timeout: .now() + 20) == .success)

        // Left behind: nobody stopped the third; the fourth start ends it first.
        let third = try Self.start(in: folder)
        let leftover = try Self.postmaster(of: folder)
        let fourth = try Self.start(in: folder)
        #expect(try Self.postmaster(of: folder) != leftover)
        #expect(
            throws: Never.self, "both rows are there, or this divides by zero"
        ) {
            try fourth.bootstrap("SELECT 1 / (count(*) / 2) FROM kept")
        }
        fourth.stop()
        withExtendedLifetime(third) {}
    }

    @Test("A number that another program has by now does not keep the server from starting")
    func strangersNumber() throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data")
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        let file = data.appending(path: "postmaster.pid")
        try Data("\(getpid())\n\(data.path)\n".utf8).write(to: file)
        try LeftoverServer.clear(data)
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("A deep directory has its socket elsewhere, where only the server's user gets")
    func deepDirectory() throws {
        let folder = try ScratchFolder()
        var deep = folder.url
        for _ in 0..<4 { deep = deep.appending(path: String(repeating: "d", count: 30)) }
        try FileManager.default.createDirectory(at: deep, withIntermediateDirectories: true)
        let folders = try ClusterFolders.make(in: deep, for: nil)
        defer { try? FileManager.default.removeItem(at: folders.socket) }
        #expect(folders.data.path.hasPrefix(deep.path))
        #expect(folders.socket.appending(path: ".s.PGSQL.5432").path.utf8.count <= 107)
        #expect(try ClusterFolders.make(in: deep, for: nil) == folders)
        let mode = try FileManager.default.attributesOfItem(atPath: folders.socket.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test("Clusters that lie elsewhere are removed once their directory is gone, and not before")
    func remoteClusters() throws {
        let folder = try ScratchFolder()
        let (kept, gone) = (folder.url.appending(path: "kept"), folder.url.appending(path: "gone"))
        let parent = folder.url.appending(path: "elsewhere")
        for url in [kept, gone, parent] {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        }
        let clusters = RemoteClusters(below: parent)
        let first = try clusters.place(for: kept, owner: nil)
        let second = try clusters.place(for: gone, owner: nil)
        #expect(first != second)
        try FileManager.default.removeItem(at: gone)
        #expect(try clusters.place(for: kept, owner: nil) == first)
        #expect(FileManager.default.fileExists(atPath: first.path))
        #expect(!FileManager.default.fileExists(atPath: second.path))
    }

    @Test("A folder that the server's user cannot get to is seen")
    func reach() throws {
        let folder = try ScratchFolder()
        let inner = folder.url.appending(path: "inner")
        try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
        let stranger = ServerUser(name: "stranger", id: 54_321, group: 54_321)
        // Another test may have changed the umask, which is the whole process', when the folder was made.
        chmod(inner.path, 0o755)
        chmod(folder.url.path, 0o755)
        #expect(stranger.canReach(inner))
        chmod(folder.url.path, 0o700)
        #expect(!stranger.canReach(inner))
    }

    @Test("A program that ends before it has read its input is judged by its status")
    func unread() throws {
        // As the program does before it runs others.
        signal(SIGPIPE, SIG_IGN)
        let folder = try ScratchFolder()
        let input = String(repeating: "SELECT 1;\n", count: 100_000)
        let printed = try PostgresInstallation.find(path: "").run("psql", ["--version"], in: folder.url, input: input)
        #expect(printed.hasPrefix("psql"))
    }

    @Test("Without PostgreSQL the message says what to install")
    func missing() {
        guard !FileManager.default.fileExists(atPath: "/usr/lib/postgresql") else { return }
        let error = #expect(throws: DevelopmentTrouble.self) { try PostgresInstallation.find(path: "/nonexistent") }
        #expect(error?.description.contains("apt-get install postgresql") == true)
    }
}
