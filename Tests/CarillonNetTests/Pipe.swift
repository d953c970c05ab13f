#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A pipe of the system, for descriptors that can be made ready at will.
struct Pipe: Sendable {
    let readEnd: CInt
    private let writeEnd: CInt

    init() {
        var ends: [CInt] = [0, 0]
        precondition(pipe(&ends) == 0)
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    func write(_ count: Int) {
        let bytes = [UInt8](repeating: 1, count: count)
        precondition(systemWrite(writeEnd, bytes, count) == count)
    }

    func read() -> Int {
        var buffer = [UInt8](repeating: 0, count: 64)
        return systemRead(readEnd, &buffer, 64)
    }

    func close() {
        systemClose(readEnd)
        systemClose(writeEnd)
    }
}

#if canImport(Glibc)
    private func systemWrite(_ descriptor: CInt, _ bytes: [UInt8], _ count: Int) -> Int {
        Glibc.write(descriptor, bytes, count)
    }
    private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
        Glibc.read(descriptor, buffer, count)
    }
    private func systemClose(_ descriptor: CInt) { _ = Glibc.close(descriptor) }
#else
    private func systemWrite(_ descriptor: CInt, _ bytes: [UInt8], _ count: Int) -> Int {
        Darwin.write(descriptor, bytes, count)
    }
    private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
        Darwin.read(descriptor, buffer, count)
    }
    private func systemClose(_ descriptor: CInt) { _ = Darwin.close(descriptor) }
#endif
