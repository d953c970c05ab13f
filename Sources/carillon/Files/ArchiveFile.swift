internal import CarillonAPI
internal import Foundation
internal import SwiftProtobuf

/// A tenant's archive as a file: a line that names the form, then each part as four octets of its length, the greatest first,
/// and so many octets of a `carillon.v1.TenantArchivePart`.
enum ArchiveFile {
    /// The first octets of every archive.
    static let magic = Data("carillon tenant archive 1\n".utf8)
    /// The most octets that one part may have: many more than any has.
    static let partLimit = 4 * 1024 * 1024

    /// The octets of a part with their length before them.
    static func frame(_ part: Carillon_V1_TenantArchivePart) throws -> Data {
        let octets: Data = try part.serializedData()
        let length = UInt32(octets.count)
        return Data([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }) + octets
    }
}

/// Writes an archive; under another name until it is whole, so that half an archive is never taken for one.
final class ArchiveWriter {
    private let handle: FileHandle
    private let path: String?
    private var partial: String? { path.map { $0 + ".part" } }

    /// - Parameter path: the file; nil for the standard output.
    /// - Throws: ``FileTrouble``.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            handle = .standardOutput
            try handle.write(contentsOf: ArchiveFile.magic)
            return
        }
        // It may hold the words of all of a supplier's messages: for its owner alone.
        let descriptor = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileTrouble("make", path + ".part") }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: ArchiveFile.magic)
    }

    /// Writes a part.
    func write(_ part: Carillon_V1_TenantArchivePart) throws {
        try handle.write(contentsOf: ArchiveFile.frame(part))
    }

    /// Gives the file its name: it is whole.
    func finish() throws {
        guard let path, let partial else { return }
        try handle.synchronize()
        guard rename(partial, path) == 0 else { throw FileTrouble("write", path) }
    }

    /// Removes what was written.
    func discard() {
        if let partial { unlink(partial) }
    }
}

/// Reads an archive part by part.
final class ArchiveReader {
    private let handle: FileHandle
    private let path: String

    /// - Parameter path: the file; `-` for the standard input.
    /// - Throws: ``FileTrouble``.
    init(_ path: String) throws {
        self.path = path
        if path == "-" {
            handle = .standardInput
        } else {
            guard let handle = FileHandle(forReadingAtPath: path) else { throw FileTrouble("read", path) }
            self.handle = handle
        }
        guard try read(ArchiveFile.magic.count) == ArchiveFile.magic else { throw damaged }
    }

    /// The next part; nil at the end.
    func next() throws -> Carillon_V1_TenantArchivePart? {
        let prefix = try read(4)
        if prefix.isEmpty { return nil }
        let length = prefix.reduce(0) { $0 << 8 | Int($1) }
        guard prefix.count == 4, length <= ArchiveFile.partLimit else { throw damaged }
        let octets = try read(length)
        guard octets.count == length, let part = try? Carillon_V1_TenantArchivePart(serializedBytes: octets) else {
            throw damaged
        }
        return part
    }

    private var damaged: FileTrouble { FileTrouble("read", path, because: "it is not a whole archive of a tenant") }

    /// So many octets; fewer at the end.
    private func read(_ count: Int) throws -> Data {
        var octets = Data()
        while octets.count < count, let more = try handle.read(upToCount: count - octets.count), !more.isEmpty {
            octets.append(more)
        }
        return octets
    }
}

/// The 32 octets that a tenant's secrets travel under.
enum TransferKey {
    /// Reads a key file: 32 octets in base64.
    ///
    /// - Throws: ``FileTrouble``.
    static func read(_ path: String) throws(FileTrouble) -> Data {
        guard let text = KeptFile.read(URL(filePath: path)) else { throw FileTrouble("read", path) }
        guard let key = Data(base64Encoded: text), key.count == 32 else {
            throw FileTrouble("use", path, because: "it does not hold 32 octets in base64 (openssl rand -base64 32)")
        }
        return key
    }
}
