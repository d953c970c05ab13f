internal import Foundation
internal import Programs

/// Where PostgreSQL's programs are and how they are run.
struct PostgresPrograms: Sendable {
    /// The user that the server runs as in place of root.
    struct User: Sendable {
        let name: String
        let id: uid_t
        let group: gid_t
    }

    let folder: URL
    /// `nil` if we are not root and run the programs as we are.
    let user: User?

    /// Looks in `PATH`, then where Debian puts them.
    static func find() throws -> PostgresPrograms {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let debian = URL(fileURLWithPath: "/usr/lib/postgresql")
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian.path)) ?? [])
            .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
        let folders =
            path.split(separator: ":").map { URL(fileURLWithPath: String($0)) }
            + versions.map { debian.appendingPathComponent($0).appendingPathComponent("bin") }
        let found = folders.first { folder in
            ["initdb", "postgres"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent($0).path)
            }
        }
        guard let found else {
            throw ClusterError(
                "initdb and postgres are neither in PATH nor below \(debian.path): install postgresql-15")
        }
        return PostgresPrograms(folder: found, user: getuid() == 0 ? try unprivilegedUser() : nil)
    }

    /// The command line of a program, as the right user. On Linux the program is told to stop when we are gone.
    func command(_ program: String, _ arguments: [String]) -> [String] {
        let own = folder.appendingPathComponent(program).path
        // What is not PostgreSQL's is looked for in PATH.
        let isOwn = FileManager.default.isExecutableFile(atPath: own)
        var command = (isOwn ? [own] : ["/usr/bin/env", program]) + arguments
        #if os(Linux)
            var prefix = ["/usr/bin/setpriv", "--pdeathsig", "QUIT"]
            if let user { prefix += ["--reuid", "\(user.id)", "--regid", "\(user.group)", "--clear-groups"] }
            command = prefix + command
        #endif
        return command
    }

    /// Runs a program to its end.
    func run(_ program: String, _ arguments: [String], in folder: URL) throws {
        let process = Process()
        let command = command(program, arguments)
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = folder
        let output = Pipe.forProgram()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.startInTurn()
        let printed = PipeReader(output).all()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ClusterError("\(program) failed:\n\(String(decoding: printed, as: UTF8.self))")
        }
    }

    private static func unprivilegedUser() throws -> User {
        for name in ["postgres", "nobody"] {
            if let entry = getpwnam(name)?.pointee {
                return User(name: name, id: entry.pw_uid, group: entry.pw_gid)
            }
        }
        throw ClusterError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    }
}
