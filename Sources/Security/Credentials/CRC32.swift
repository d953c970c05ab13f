/// The checksum of IEEE 802.3, by which a scanner tells a leaked key from text that looks like one.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { octet in
        (0..<8).reduce(UInt32(octet)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
    }

    /// The checksum of some octets. It is on the path of every call with a key.
    static func of(_ octets: ArraySlice<UInt8>) -> UInt32 {
        var sum = UInt32.max
        for octet in octets { sum = table[Int((sum ^ UInt32(octet)) & 0xff)] ^ sum >> 8 }
        return ~sum
    }
}
