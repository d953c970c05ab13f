internal import Foundation

/// PostgreSQL's programs on this machine, and how they are run.
struct PostgresInstallation: Sendable {
    /// The folder of `initdb`, `postgres` and `psql`.
    let folder: URL
    /// Whom the server runs as; nil for this process' own user.
    let user: ServerUser?

    private static let oldestVersion = 15
    private static let programs = ["initdb", "postgres", "psql"]

    /// Looks in `PATH`, then where Debian puts servers, the newest first.
    ///
    /// - Throws: ``DevelopmentTrouble`` that says what to install.
    static func find(path: String) throws(DevelopmentTrouble) -> PostgresInstallation {
        let debian = URL(filePath: "/usr/lib/postgresql")
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian.path)) ?? [])
            .compactMap(Int.init).filter { $0 >= oldestVersion }.sorted(by: >)
        let folders =
            path.split(separator: ":").map { URL(filePath: String($0)) }
            + versions.map { debian.appending(path: "\($0)/bin") }
        let found = folders.first { folder in
            programs.allSatisfy { FileManager.default.isExecutableFile(atPath: folder.appending(path: $0).path) }
        }
        guard let found else {
            throw DevelopmentTrouble(
                "PostgreSQL \(oldestVersion) or newer is not installed; on Debian: apt-get install postgresql")
        }
        return PostgresInstallation(folder: found, user: try ServerUser.inPlaceOfRoot())
    }

    /// The command line of a program, as the server's user.
    ///
    /// - Parameter endsWithUs: whether the program is told to stop when the thread that started it is gone (Linux).
    func command(
        _ program: String, _ arguments: [String], endsWithUs: Bool = false
    ) throws(DevelopmentTrouble) -> [String] {
        let command = [folder.appending(path: program).path] + arguments
        // From util-linux, which no Debian system lacks; other systems have neither it nor the signal.
        let setpriv = "/usr/bin/setpriv"
        guard FileManager.default.isExecutableFile(atPath: setpriv) else {
            if user == nil { return command }
            throw DevelopmentTrouble("\(setpriv) is missing, which starts PostgreSQL as another user than root")
        }
        var options = endsWithUs ? ["--pdeathsig", "INT"] : []
        if let user { options += ["--reuid", "\(user.id)", "--regid", "\(user.group)", "--clear-groups"] }
        return options.isEmpty ? command : [setpriv] + options + ["--"] + command
    }

    /// Runs a program of PostgreSQL to its end.
    ///
    /// - Parameters:
    ///   - isServer: whether it runs as the server's user, or as ourselves.
    ///   - input: what it reads.
    /// - Returns: what it printed.
    /// - Throws: ``DevelopmentTrouble`` with what it printed, if it failed.
    @discardableResult
    func run(
        _ program: String, _ arguments: [String], asServer isServer: Bool = false, in directory: URL,
        input: String = ""
    ) throws -> String {
        let command =
            isServer ? try command(program, arguments) : [folder.appending(path: program).path] + arguments
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.currentDirectoryURL = directory
        let (standardInput, output) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // Little enough for the pipe to hold it, hence no second thread. A program that ends before it has read it, such as psql
        // when nobody answers, says why with its status.
        try? standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw DevelopmentTrouble("\(program) failed:\n\(printed)") }
        return printed.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
