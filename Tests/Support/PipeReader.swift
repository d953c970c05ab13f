internal import Foundation

/// Reads what a program prints. Foundation's own reading traps when a signal interrupts it.
struct PipeReader {
    private let handle: FileHandle

    init(_ pipe: Pipe) {
        handle = pipe.fileHandleForReading
    }

    /// Waits for the next bytes; `nil` at the end.
    func next() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(handle.fileDescriptor, &buffer, buffer.count)
            if count > 0 { return Array(buffer.prefix(count)) }
            if count == 0 || errno != EINTR { return nil }
        }
    }

    /// Waits for the end and returns everything.
    func all() -> [UInt8] {
        var bytes: [UInt8] = []
        while let next = next() { bytes += next }
        return bytes
    }
}
