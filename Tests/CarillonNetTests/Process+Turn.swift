import Foundation

extension Process {
    /// Starts the program when no other is being started: Foundation lists the open descriptors while it starts one, and two
    /// threads at that get mixed up. The tests of several targets run in one process and share no code that could keep a
    /// lock, so it is one on the process's own file.
    func startInTurn() throws {
        let turn = open(CommandLine.arguments[0], O_RDONLY | O_CLOEXEC)
        defer { close(turn) }
        flock(turn, LOCK_EX)
        try run()
    }
}
