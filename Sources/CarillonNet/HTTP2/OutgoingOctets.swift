#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Octets of a body on their way out, written once and then only read. Unlike an array they are made by one plain allocation:
/// the compiler looks up an array's type anew for each that it makes here, which costs as much as all the rest of it.
package final class OutgoingOctets: ManagedBuffer<Int, UInt8> {
    /// Makes octets that are all zero.
    package static func zeros(_ count: Int) -> OutgoingOctets {
        // Safe because `create` makes an object of the class it is called on.
        let made = unsafeDowncast(create(minimumCapacity: count) { _ in count }, to: OutgoingOctets.self)
        _ = memset(made.start, 0, count)
        return made
    }

    /// How many they are.
    package var count: Int { withUnsafeMutablePointerToHeader { $0.pointee } }

    /// The memory, good while the object is held. It is written only before the object is given away.
    package var memory: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: start, count: count) }

    private var start: UnsafeMutableRawPointer { withUnsafeMutablePointerToElements { UnsafeMutableRawPointer($0) } }
}
