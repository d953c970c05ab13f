internal import Foundation

/// Sees to it that only one process uses a development directory. The system lets go of it when the process ends,
/// however that comes.
final class DirectoryLock {
    private let descriptor: CInt

    /// Takes the lock.
    ///
    /// - Throws: ``FileTrouble``; when another process has it, with that process' number.
    init(_ url: URL) throws(FileTrouble) {
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileTrouble("open", url.path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = KeptFile.read(url) ?? "?"
            close(descriptor)
            throw FileTrouble(
                "use", url.deletingLastPathComponent().path, because: "process \(owner) already serves from there")
        }
        self.descriptor = descriptor
        ftruncate(descriptor, 0)
        var text = "\(getpid())\n"
        _ = text.withUTF8 { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit {
        close(descriptor)
    }
}
