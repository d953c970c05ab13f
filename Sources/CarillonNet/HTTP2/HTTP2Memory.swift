internal import CarillonCNghttp2

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Memory for libnghttp2's small objects (streams, frames that wait, header lists), kept for the next one of about the same
/// size: each request takes and gives back eight of them. The sessions of a loop share one; what it keeps is bounded.
///
/// A block is headed by its class, since libnghttp2 gives blocks back without their size.
final class HTTP2Memory {
    /// Blocks of up to 64, 128, 256 and 512 octets are kept; greater ones go through to the system.
    private static let classes = 4
    private static let smallest = 64
    /// How many blocks of each class are kept: 256 KiB in all.
    private static let keptLimit = 256
    /// Octets in front of a block: enough to leave it aligned for anything.
    private static let head = 16

    private struct Kept {
        var first: UnsafeMutableRawPointer?
        var count = 0
    }
    private let kept = UnsafeMutablePointer<Kept>.allocate(capacity: classes)

    init() {
        kept.initialize(repeating: Kept(), count: Self.classes)
    }

    deinit {
        for index in 0..<Self.classes {
            while let block = kept[index].first {
                kept[index].first = block.load(as: UnsafeMutableRawPointer?.self)
                free(block)
            }
        }
        kept.deallocate()
    }

    /// The functions that libnghttp2 calls. They must not be used after this object is gone.
    var functions: nghttp2_mem {
        nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { size, data in HTTP2Memory.of(data)._withUnsafeGuaranteedRef { $0.take(size) } },
            free: { block, data in HTTP2Memory.of(data)._withUnsafeGuaranteedRef { $0.giveBack(block) } },
            calloc: { count, size, data in
                let (total, overflow) = count.multipliedReportingOverflow(by: size)
                guard !overflow, let block = HTTP2Memory.of(data)._withUnsafeGuaranteedRef({ $0.take(total) }) else {
                    return nil
                }
                return memset(block, 0, total)
            },
            realloc: { block, size, data in HTTP2Memory.of(data)._withUnsafeGuaranteedRef { $0.resize(block, size) } })
    }

    private static func of(_ data: UnsafeMutableRawPointer?) -> Unmanaged<HTTP2Memory> {
        Unmanaged.fromOpaque(data.unsafelyUnwrapped)
    }

    private static func index(of size: Int) -> Int {
        size <= smallest ? 0 : Int.bitWidth - (size - 1).leadingZeroBitCount - 6
    }

    private func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let index = Self.index(of: size)
        guard index < Self.classes else { return Self.allocate(size, index) }
        guard let block = kept[index].first else { return Self.allocate(Self.smallest << index, index) }
        kept[index].first = block.load(as: UnsafeMutableRawPointer?.self)
        kept[index].count -= 1
        block.storeBytes(of: index, as: Int.self)
        return block + Self.head
    }

    private static func allocate(_ size: Int, _ index: Int) -> UnsafeMutableRawPointer? {
        guard let block = malloc(head + size) else { return nil }
        block.storeBytes(of: index, as: Int.self)
        return block + head
    }

    private func giveBack(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer else { return }
        let block = pointer - Self.head
        let index = block.load(as: Int.self)
        guard index < Self.classes, kept[index].count < Self.keptLimit else { return free(block) }
        block.storeBytes(of: kept[index].first, as: UnsafeMutableRawPointer?.self)
        kept[index].first = block
        kept[index].count += 1
    }

    private func resize(_ pointer: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let pointer else { return take(size) }
        let block = pointer - Self.head
        let index = block.load(as: Int.self)
        if index < Self.classes {
            let capacity = Self.smallest << index
            guard size > capacity else { return pointer }
            guard let grown = take(size) else { return nil }
            memcpy(grown, pointer, capacity)
            giveBack(pointer)
            return grown
        }
        // A great block stays one, so that nobody has to know how great it is.
        guard let grown = realloc(block, Self.head + max(size, Self.smallest << Self.classes)) else { return nil }
        return grown + Self.head
    }
}
