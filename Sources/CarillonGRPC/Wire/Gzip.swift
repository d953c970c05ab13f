internal import CarillonCZlib
internal import Synchronization

/// Compression of messages and pages as gzip (RFC 1952). Each call is independent of all others.
///
/// zlib's states are large (about 270 KiB to compress, 40 KiB to decompress) and slow to make, so they are kept and reset
/// instead of made anew. They are kept in one pool for the process, not one for each thread: a state is taken for the
/// length of one call that does not suspend, so there are never more than threads that compress at that moment, the lock
/// around taking one is short beside any compression, and no thread has anything to free at its end.
///
/// Any thread may call.
package struct Gzip {
    /// Compresses octets; empty in, empty out.
    ///
    /// - Throws: INTERNAL when zlib has no memory, or for 4 GiB and more.
    package static func compress(_ octets: UnsafeRawBufferPointer) throws(Status) -> [UInt8] {
        guard !octets.isEmpty else { return [] }
        let deflater = try deflaters.take { () throws(Status) in try Deflater() }
        defer { deflaters.giveBack(deflater) }
        return try deflater.compress(octets)
    }

    /// Compresses octets; empty in, empty out.
    ///
    /// - Throws: INTERNAL when zlib has no memory, or for 4 GiB and more.
    package static func compress(_ octets: [UInt8]) throws(Status) -> [UInt8] {
        // `withUnsafeBytes` does not carry typed errors through.
        try octets.withUnsafeBytes { bytes in
            Result { () throws(Status) in try compress(bytes) }
        }.get()
    }

    /// Decompresses octets; empty in, empty out. Several members behind one another count as one (RFC 1952 §2.2).
    ///
    /// - Parameter limit: the greatest length of the result in octets. No more than one octet beyond it is ever made, so a
    ///   small input cannot become a large memory.
    /// - Throws: RESOURCE_EXHAUSTED past the limit, INTERNAL for what is not gzip, not whole, or followed by anything else.
    package static func decompress(_ octets: UnsafeRawBufferPointer, limit: Int) throws(Status) -> [UInt8] {
        guard let result = try inflate(octets, limit: limit) else {
            throw Status(.resourceExhausted, "the message has more than \(limit) bytes when it is decompressed")
        }
        return result
    }

    /// Decompresses octets; empty in, empty out.
    ///
    /// - Parameter limit: see ``decompress(_:limit:)``.
    /// - Returns: `nil` past the limit.
    /// - Throws: INTERNAL for what is not gzip, not whole, or followed by anything else.
    static func inflate(_ octets: UnsafeRawBufferPointer, limit: Int) throws(Status) -> [UInt8]? {
        guard !octets.isEmpty else { return [] }
        let inflater = try inflaters.take { () throws(Status) in try Inflater() }
        defer { inflaters.giveBack(inflater) }
        return try inflater.decompress(octets, limit: limit)
    }

    /// How many octets will come out, as the last member says of itself (ISIZE, RFC 1952 §2.3.1). A hint: several members
    /// become more, and whoever wrote it may lie.
    static func claimedLength(_ octets: UnsafeRawBufferPointer) -> Int {
        octets.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Decompresses octets and calls a closure with the result, which lives no longer.
    ///
    /// - Parameter limit: see ``decompress(_:limit:)``.
    package static func decompressed<Output>(
        _ octets: UnsafeRawBufferPointer, limit: Int,
        _ body: (UnsafeRawBufferPointer) throws(Status) -> Output
    ) throws(Status) -> Output {
        try decompress(octets, limit: limit).withUnsafeBytes { bytes in
            Result { () throws(Status) in try body(bytes) }
        }.get()
    }

    private static let deflaters = StatePool<Deflater>()
    private static let inflaters = StatePool<Inflater>()
}

/// States that wait to be used again. At most ``limit`` are kept: more loops than that share them.
private final class StatePool<State: AnyObject>: Sendable {
    /// States of one kind that are kept at most.
    private let limit = 16
    /// Safe as `@unchecked Sendable` because whoever takes the only reference out of the lock has the state alone.
    private struct Idle: @unchecked Sendable {
        var states: [State] = []
    }
    private let idle = Mutex(Idle())

    func take(_ make: () throws(Status) -> State) throws(Status) -> State {
        if let state = idle.withLock({ $0.states.popLast() }) { return state }
        return try make()
    }

    func giveBack(_ state: State) {
        // Safe to send into the lock: the caller drops its reference with this call.
        nonisolated(unsafe) let state = state
        idle.withLock { if $0.states.count < limit { $0.states.append(state) } }
    }
}

/// The window of 32 KiB (15 bits) and, by the 16, a gzip header and trailer instead of zlib's ("deflateInit2" and
/// "inflateInit2" in zlib's manual).
private let windowBits: CInt = 15 + 16

/// A state that compresses.
private final class Deflater {
    /// zlib keeps the address of the stream in its state, so the stream stays where it is.
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(Status) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Level 6 and memory level 8 are zlib's defaults.
        let code = deflateInit2_(
            stream, 6, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw Status(.internalError, "compression cannot be set up") }
    }

    deinit {
        // Safe when it was never set up: zlib looks for that first.
        deflateEnd(stream)
        stream.deallocate()
    }

    func compress(_ octets: UnsafeRawBufferPointer) throws(Status) -> [UInt8] {
        guard deflateReset(stream) == Z_OK, let length = UInt32(exactly: octets.count) else {
            throw Status(.internalError, "the message cannot be compressed")
        }
        let bound = Int(deflateBound(stream, UInt(octets.count)))
        var code = Z_OK
        let compressed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            // zlib only reads from there, whatever its type says.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: octets.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = length
            stream.pointee.next_out = buffer.baseAddress
            stream.pointee.avail_out = UInt32(clamping: buffer.count)
            code = deflate(stream, Z_FINISH)
            count = code == Z_STREAM_END ? Int(stream.pointee.total_out) : 0
        }
        guard code == Z_STREAM_END else { throw Status(.internalError, "the message cannot be compressed") }
        return compressed
    }
}

/// A state that decompresses.
private final class Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    /// What was decompressed and not yet added to the result: most messages fit, and cost one allocation of their size.
    private let window = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 16 * 1024)

    init() throws(Status) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let code = inflateInit2_(stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw Status(.internalError, "decompression cannot be set up") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        window.deallocate()
    }

    /// Returns `nil` past the limit.
    func decompress(_ octets: UnsafeRawBufferPointer, limit: Int) throws(Status) -> [UInt8]? {
        guard inflateReset(stream) == Z_OK, let length = UInt32(exactly: octets.count) else { throw Self.broken }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: octets.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = length
        var result: [UInt8] = []
        while true {
            // One octet more than allowed tells a result that is too large from one that just fits.
            let room = min(window.count - 1, limit - result.count) + 1
            stream.pointee.next_out = window.baseAddress
            stream.pointee.avail_out = UInt32(room)
            let code = inflate(stream, Z_NO_FLUSH)
            guard code == Z_OK || code == Z_STREAM_END else { throw Self.broken }
            result += window[..<(room - Int(stream.pointee.avail_out))]
            guard result.count <= limit else { return nil }
            guard code == Z_STREAM_END else { continue }
            guard stream.pointee.avail_in > 0 else { return result }
            // Another member, or else what follows fails as the header that it is not.
            guard inflateReset(stream) == Z_OK else { throw Self.broken }
        }
    }

    private static let broken = Status(.internalError, "the message is marked as compressed and is not whole gzip")
}
