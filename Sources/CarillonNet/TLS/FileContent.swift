#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Whole files of a few kilobytes. Blocks: runs on the pool, or before there are connections.
enum FileContent {
    /// Reads a file.
    ///
    /// - Throws: ``TLSError`` of the kind ``TLSError/Code/configuration`` when it cannot be read or has more octets than
    ///   the limit.
    static func read(_ path: String, limit: Int) throws(TLSError) -> [UInt8] {
        guard let file = fopen(path, "rb") else {
            throw TLSError(.configuration, "reading \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var content = [UInt8](repeating: 0, count: limit + 1)
        let count = fread(&content, 1, content.count, file)
        guard ferror(file) == 0 else { throw TLSError(.configuration, "reading \(path): it cannot be read") }
        guard count <= limit else {
            throw TLSError(.configuration, "reading \(path): it has more than \(limit) octets")
        }
        return Array(content.prefix(count))
    }
}

/// What tells one state of a file from another without reading it. A file that was replaced by a rename has another inode,
/// one that was written to another time or size; a link is followed, as Kubernetes changes mounted secrets by one.
struct FileStamp: Hashable, Sendable {
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    private var size: Int64 = 0
    private var seconds: Int64 = 0
    private var nanoseconds: Int64 = 0

    /// Looks at a file; one that is absent has a stamp of its own.
    init(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        size = Int64(status.st_size)
        #if canImport(Glibc)
            seconds = Int64(status.st_mtim.tv_sec)
            nanoseconds = Int64(status.st_mtim.tv_nsec)
        #else
            seconds = Int64(status.st_mtimespec.tv_sec)
            nanoseconds = Int64(status.st_mtimespec.tv_nsec)
        #endif
    }
}
