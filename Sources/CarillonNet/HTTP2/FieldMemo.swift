internal import CarillonCNghttp2

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The header block that a client sent last, kept to see at a glance what the next one has in common with it.
///
/// A client says nearly the same in each request, and HPACK says so in a word: a field that stands in its table comes as the
/// same object each time. Such a field is neither copied, checked nor read again. Runs of them are copied as one piece.
///
/// Confined to the session's loop. It holds references into HPACK's table, so it has to be cleared before libnghttp2's part
/// of the session is deleted.
final class FieldMemo {
    private struct Field {
        let name: OpaquePointer
        let value: OpaquePointer
        /// Where the field stands among the octets.
        var start: Int
        var length: Int
    }
    /// The most fields and octets of a block that is kept; others are read anew each time.
    private static let fieldLimit = 64
    private static let octetLimit = 2048

    @exclusivity(unchecked) private var fields: UnsafeMutablePointer<Field>?
    @exclusivity(unchecked) private var capacity = 0
    @exclusivity(unchecked) private var count = 0
    @exclusivity(unchecked) private var octets: UnsafeMutableRawBufferPointer?
    /// The place of the next field of the block that is coming.
    @exclusivity(unchecked) private var next = 0
    /// The first of the fields that were taken over and not copied yet.
    @exclusivity(unchecked) private var runStart = 0
    /// Whether the block that is coming is too large to be kept.
    @exclusivity(unchecked) private var isOverflowing = false
    /// Whether the last block came to its end, so that octets and fields fit each other.
    @exclusivity(unchecked) private var isWhole = true
    /// What is different since the changes were taken.
    @exclusivity(unchecked) private var changes = FieldChanges.all

    deinit {
        assert(count == 0, "a memo was dropped before it was cleared")
        fields?.deallocate()
        octets?.deallocate()
    }

    /// A header block begins.
    func begin() {
        if !isWhole { clear() }
        next = 0
        runStart = 0
        isOverflowing = false
        isWhole = false
    }

    /// A field came: whether it is the one that stood here last time. Then it is copied with its neighbours, by
    /// ``copyRun(to:)``.
    @inline(__always)
    func takesOver(_ name: OpaquePointer, _ value: OpaquePointer) -> Bool {
        guard next < count, let field = fields?[next], field.name == name else { return false }
        guard field.value == value || isEqual(field, value) else { return false }
        next += 1
        return true
    }

    /// Whether a value that is no entry of HPACK's table has the octets of the one that stood here.
    private func isEqual(_ field: Field, _ value: OpaquePointer) -> Bool {
        let vector = nghttp2_rcbuf_get_buf(value)
        guard let octets = octets?.baseAddress, let base = vector.base else { return false }
        let start = octets + field.start
        let nameLength = Int(start.loadUnaligned(as: UInt32.self))
        guard HeaderBlock.prefix + nameLength + vector.len == field.length else { return false }
        return memcmp(start + HeaderBlock.prefix + nameLength, base, vector.len) == 0
    }

    /// The octets of the fields that were taken over since the last field that was not.
    var run: (octets: UnsafeRawBufferPointer, count: Int) {
        guard runStart < next, let fields, let octets else { return (.init(start: nil, count: 0), 0) }
        let start = fields[runStart].start
        let end = fields[next - 1].start + fields[next - 1].length
        return (UnsafeRawBufferPointer(rebasing: octets[start..<end]), next - runStart)
    }

    /// The run was copied; it stands at that place now.
    func runCopied(to place: Int) {
        guard runStart < next, let fields else { return }
        let shift = place - fields[runStart].start
        if shift != 0 {
            for index in runStart..<next { fields[index].start += shift }
        }
        runStart = next
    }

    /// A field came that is not the one that stood here; the run before it was copied.
    func replace(_ name: OpaquePointer, _ value: OpaquePointer, at place: Int, length: Int) {
        guard next < Self.fieldLimit, !isOverflowing else {
            isOverflowing = true
            return
        }
        if next < count, fields?[next].name == name {
            changes.mark(next)
        } else {
            changes = .all
        }
        nghttp2_rcbuf_incref(name)
        nghttp2_rcbuf_incref(value)
        let field = Field(name: name, value: value, start: place, length: length)
        if next < count {
            fields.map { Self.letGo($0[next]) }
            fields?[next] = field
        } else {
            append(field)
        }
        next += 1
        runStart = next
    }

    private func append(_ field: Field) {
        if count == capacity {
            let grown = UnsafeMutablePointer<Field>.allocate(capacity: max(12, 2 * capacity))
            if let fields {
                grown.moveInitialize(from: fields, count: count)
                fields.deallocate()
            }
            (fields, capacity) = (grown, max(12, 2 * capacity))
        }
        fields.map { ($0 + count).initialize(to: field) }
        count += 1
    }

    /// The block is complete, and the last run was copied: these are its octets, kept if there is something new in them.
    func end(_ block: UnsafeRawBufferPointer) {
        guard !isOverflowing, block.count <= Self.octetLimit else { return clear() }
        isWhole = true
        if next < count {
            changes = .all
            while count > next { dropLast() }
        }
        guard !changes.isNone else { return }
        if octets.map({ $0.count < block.count }) ?? true {
            octets?.deallocate()
            octets = .allocate(byteCount: max(256, block.count), alignment: 8)
        }
        octets?.copyMemory(from: block)
    }

    /// What is different from the block that was complete when this was asked last.
    func takeChanges() -> FieldChanges {
        defer { changes = .none }
        return changes
    }

    /// Forgets the block.
    func clear() {
        while count > 0 { dropLast() }
        changes = .all
        (next, runStart) = (0, 0)
        isOverflowing = true
        isWhole = true
    }

    private func dropLast() {
        count -= 1
        fields.map { Self.letGo($0[count]) }
    }

    private static func letGo(_ field: Field) {
        nghttp2_rcbuf_decref(field.name)
        nghttp2_rcbuf_decref(field.value)
    }
}

/// Which fields of a header block differ from those of the one before.
package struct FieldChanges: Sendable, Equatable {
    /// Bit n stands for the field n.
    private var marks: UInt64
    /// Whether number and names of the fields are the same.
    package private(set) var hasSameNames: Bool

    /// Nothing is different.
    package static let none = FieldChanges(marks: 0, hasSameNames: true)
    /// Nothing is known to be the same.
    package static let all = FieldChanges(marks: .max, hasSameNames: false)

    /// Whether nothing is different.
    package var isNone: Bool { marks == 0 && hasSameNames }

    /// Whether the field at a place, below 64, has another value.
    package func contains(_ place: Int) -> Bool { marks >> UInt64(place) & 1 == 1 }

    /// Adds what is different by another step.
    mutating func formUnion(_ other: FieldChanges) {
        marks |= other.marks
        hasSameNames = hasSameNames && other.hasSameNames
    }

    /// Notes that the field at a place, below 64, has another value.
    mutating func mark(_ place: Int) { marks |= 1 << UInt64(place) }
}
