#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Header fields in the order they came or are to be sent, one after the other in one piece of memory: a field costs no
/// allocation, and a block that is used again none at all.
///
/// Names are lower-case (RFC 9113 §8.2); values are octets, usually ASCII. A copy shares the memory until one of the two
/// is changed.
package struct HeaderBlock: Sendable {
    private var storage: HeaderStorage?
    /// Octets of the two lengths that stand before each field.
    static let prefix = 8
    /// The number of fields.
    package private(set) var count = 0

    /// Makes an empty block.
    package init() {}

    /// Makes an empty block with room for the fields of a usual request.
    static func forRequest() -> HeaderBlock {
        var block = HeaderBlock()
        block.storage = HeaderStorage(capacity: 480)
        return block
    }

    /// The size as RFC 9113 §6.5.2 counts it: names, values and 32 octets for each field.
    package var listSize: Int { (storage?.used ?? 0) + (32 - Self.prefix) * count }

    /// Whether the memory is not much more than a usual request needs, so that it may be kept.
    var isSmall: Bool { (storage?.capacity ?? 0) <= 2048 }

    /// Adds a field.
    package mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let needed = Self.prefix + name.count + value.count
        if storage == nil || !isKnownUniquelyReferenced(&storage) || !storage.unsafelyUnwrapped.hasRoom(for: needed) {
            storage = HeaderStorage(copying: storage, adding: needed)
        }
        storage.unsafelyUnwrapped.append(name, value)
        count += 1
    }

    /// Adds a field from text; the name must be lower-case.
    package mutating func append(_ name: String, _ value: String) {
        var name = name
        var value = value
        name.withUTF8 { name in
            value.withUTF8 { value in append(name: .init(name), value: .init(value)) }
        }
    }

    /// Empties the block and lends its memory, so that fields can be written without a look at who owns it. The block must
    /// not be copied or changed until ``endWriting(_:)``.
    mutating func beginWriting() -> HeaderWriter {
        count = 0
        if storage == nil || !isKnownUniquelyReferenced(&storage) { storage = HeaderStorage(capacity: 480) }
        return storage.unsafelyUnwrapped.writer
    }

    /// Gives the lent memory more room, and what is written moves there.
    mutating func grow(_ writer: HeaderWriter, by needed: Int) -> HeaderWriter {
        storage.unsafelyUnwrapped.used = writer.used
        storage = HeaderStorage(copying: storage, adding: needed)
        var grown = storage.unsafelyUnwrapped.writer
        (grown.used, grown.count) = (writer.used, writer.count)
        return grown
    }

    /// Takes back the lent memory with what was written.
    mutating func endWriting(_ writer: HeaderWriter) {
        storage.unsafelyUnwrapped.used = writer.used
        count = writer.count
    }

    /// All fields as they stand in memory. Good until the block is changed or gone.
    var octets: UnsafeRawBufferPointer { storage?.octets ?? UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Empties the block and keeps its memory.
    package mutating func removeAll() {
        count = 0
        if isKnownUniquelyReferenced(&storage) { storage?.used = 0 } else { storage = nil }
    }

    /// Calls a closure with the octets of each field's name and value, in order.
    package func visit(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        guard let storage else { return }
        var position = 0
        while position < storage.used {
            let field = storage.field(at: position)
            body(field.name, field.value)
            position = field.next
        }
    }

    /// Calls a closure with each of the fields that stand somewhere in the form of a block.
    static func visit(
        _ octets: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        var rest = octets
        while rest.count >= prefix {
            let nameLength = Int(rest.loadUnaligned(as: UInt32.self))
            let valueLength = Int(rest.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            let value = prefix + nameLength
            let end = value + valueLength
            body(.init(rebasing: rest[prefix..<value]), .init(rebasing: rest[value..<end]))
            rest = .init(rebasing: rest[end...])
        }
    }

    /// The octets of the first field of that name. They are good until the block is changed or gone.
    package func first(_ name: StaticString) -> UnsafeRawBufferPointer? {
        guard let storage else { return nil }
        var position = 0
        while position < storage.used {
            let field = storage.field(at: position)
            if field.name.matches(name) { return field.value }
            position = field.next
        }
        return nil
    }

    /// Calls a closure with the octets of the first field of that name, or with `nil`.
    @inlinable
    package func withFirst<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        withExtendedLifetime(self) { body(first(name)) }
    }

    /// Calls a closure with the octets of the only field of that name, or with `nil` when there is none or more than one:
    /// for what must not mean one thing here and another to a proxy in front.
    @inlinable
    package func withOnly<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        withExtendedLifetime(self) { body(only(name)) }
    }

    /// The octets of the only field of that name; `nil` when there is none or more than one. They are good until the block
    /// is changed or gone.
    package func only(_ name: StaticString) -> UnsafeRawBufferPointer? {
        guard let storage else { return nil }
        var found: UnsafeRawBufferPointer?
        var position = 0
        while position < storage.used {
            let field = storage.field(at: position)
            if field.name.matches(name) {
                if found != nil { return nil }
                found = field.value
            }
            position = field.next
        }
        return found
    }

    /// How often a field is there, and what it says if that is clear: several of one name could mean one thing here and another to a
    /// proxy in front.
    package enum Occurrence {
        case none
        /// Its octets, which are good until the block is changed or gone.
        case once(UnsafeRawBufferPointer)
        case repeated

        fileprivate mutating func add(_ value: UnsafeRawBufferPointer) {
            if case .none = self { self = .once(value) } else { self = .repeated }
        }
    }

    /// Two fields in one go.
    package func occurrences(of one: StaticString, and other: StaticString) -> (one: Occurrence, other: Occurrence) {
        var found = (one: Occurrence.none, other: Occurrence.none)
        guard let storage else { return found }
        var position = 0
        while position < storage.used {
            let field = storage.field(at: position)
            if field.name.matches(one) {
                found.one.add(field.value)
            } else if field.name.matches(other) {
                found.other.add(field.value)
            }
            position = field.next
        }
        return found
    }

    /// The first value of that name as text; invalid UTF-8 is repaired.
    package subscript(name: StaticString) -> String? {
        withFirst(name) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }
}

/// The memory of a header block: for each field two lengths of four octets, then its name and its value.
///
/// Safe as `@unchecked Sendable` because a block changes it only while it is the only owner.
final class HeaderStorage: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    let capacity: Int
    var used = 0

    init(capacity: Int) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 8)
    }

    /// Makes memory with the same fields and room for more.
    convenience init(copying other: HeaderStorage?, adding needed: Int) {
        let used = other?.used ?? 0
        self.init(capacity: max(128, 2 * (used + needed)))
        if let other { memory.copyMemory(from: other.memory, byteCount: used) }
        self.used = used
    }

    deinit {
        memory.deallocate()
    }

    func hasRoom(for count: Int) -> Bool { capacity - used >= count }

    var octets: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: used) }

    var writer: HeaderWriter { HeaderWriter(memory: memory, capacity: capacity) }

    func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        var writer = self.writer
        writer.used = used
        writer.append(name, value)
        used = writer.used
    }

    func field(at position: Int) -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, next: Int) {
        let start = UnsafeRawPointer(memory + position)
        let nameLength = Int(start.loadUnaligned(as: UInt32.self))
        let valueLength = Int((start + 4).loadUnaligned(as: UInt32.self))
        let name = UnsafeRawBufferPointer(start: start + HeaderBlock.prefix, count: nameLength)
        let value = UnsafeRawBufferPointer(start: start + HeaderBlock.prefix + nameLength, count: valueLength)
        return (name, value, position + HeaderBlock.prefix + nameLength + valueLength)
    }
}

/// Where the next field of a header block goes. It owns nothing: the memory is the block's.
struct HeaderWriter {
    let memory: UnsafeMutableRawPointer
    let capacity: Int
    /// Octets that are written.
    var used = 0
    /// Fields that are written.
    var count = 0

    init(memory: UnsafeMutableRawPointer, capacity: Int) {
        self.memory = memory
        self.capacity = capacity
    }

    /// The size as RFC 9113 §6.5.2 counts it.
    var listSize: Int { used + (32 - HeaderBlock.prefix) * count }

    /// Whether a field with so many octets fits.
    @inline(__always)
    func hasRoom(for octets: Int) -> Bool { capacity - used >= HeaderBlock.prefix + octets }

    /// Writes a field; there must be room.
    @inline(__always)
    mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let start = memory + used
        start.storeBytes(of: UInt32(truncatingIfNeeded: name.count), as: UInt32.self)
        (start + 4).storeBytes(of: UInt32(truncatingIfNeeded: value.count), as: UInt32.self)
        // Empty values come without an address.
        if let address = name.baseAddress { memcpy(start + HeaderBlock.prefix, address, name.count) }
        if let address = value.baseAddress { memcpy(start + HeaderBlock.prefix + name.count, address, value.count) }
        used += HeaderBlock.prefix + name.count + value.count
        count += 1
    }

    /// Writes fields that stand in memory in this form already; there must be room.
    mutating func append(_ octets: UnsafeRawBufferPointer, _ fields: Int) {
        UnsafeMutableRawBufferPointer(start: memory + used, count: octets.count).copyMemory(from: octets)
        used += octets.count
        count += fields
    }
}

extension StaticString {
    /// The octets of the literal, which live as long as the process.
    package var octets: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the octets are those of a literal.
    @inlinable
    package func matches(_ literal: StaticString) -> Bool {
        count == literal.utf8CodeUnitCount && isEqual(to: literal)
    }

    /// Whether the octets are those of a literal of the same length.
    @usableFromInline
    func isEqual(to literal: StaticString) -> Bool {
        guard let baseAddress else { return true }
        return memcmp(baseAddress, literal.utf8Start, count) == 0
    }
}
