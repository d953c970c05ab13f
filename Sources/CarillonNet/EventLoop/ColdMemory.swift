internal import CarillonCLibUV

/// Memory that is in no cache of the processor, and will be looked at soon.
///
/// Where a million objects are known, whoever looks at one waits for the machine's memory, for as long as a few hundred instructions
/// take. What is said to be wanted early comes while other work is done.
package enum ColdMemory {
    /// Begins to fetch the 64 to 128 octets at an address, and does not wait for them. Nothing is read: the address need not be good.
    /// Any thread.
    package static func fetch(_ address: UnsafeRawPointer) {
        carillon_memory_fetch(address)
    }
}
