/// FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): short, the same in every run, and good enough where nobody
/// gains by making two inputs collide.
enum FNV1a {
    /// The hash of some octets.
    static func hash(_ octets: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for octet in octets { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01b3 }
        return hash
    }
}
