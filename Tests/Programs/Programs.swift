package import Foundation
internal import Synchronization

/// Held while a program or a pipe for one begins. The tests of all targets run in one process.
private let turn = Mutex(())

extension Process {
    /// Starts the program while no other is being started and no pipe is being made. Foundation closes in the child what it
    /// found open before; a pipe that came since would stay open there, and its reader would wait for the end of a stranger.
    package func startInTurn() throws {
        try turn.withLock { _ in try run() }
    }
}

extension Pipe {
    /// Makes a pipe that no other program inherits.
    package static func forProgram() -> Pipe {
        turn.withLock { _ in
            let pipe = Pipe()
            for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
            }
            return pipe
        }
    }
}
