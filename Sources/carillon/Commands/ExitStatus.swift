internal import ArgumentParser

/// How the program ends, by the names of sysexits(3).
extension ExitCode {
    /// Nothing is wrong, and there is something to do.
    static let pending = ExitCode(2)
    /// The command line or the configuration is wrong.
    static let usage = ExitCode(64)
    /// Something this program needs is not there: the server it calls, a program, a file.
    static let unavailable = ExitCode(69)
    /// What the configuration names is there but not fit for use, such as a database that was not migrated.
    static let configuration = ExitCode(78)
}
