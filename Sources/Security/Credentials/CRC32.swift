/// The checksum of IEEE 802.3, by which a scanner tells a leaked key from text that looks like one.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { octet in
        (0..<8).reduce(UInt32(octet)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1 }
    }

    /// The checksum of some octets.
    static func of(_ octets: some Sequence<UInt8>) -> UInt32 {
        ~octets.reduce(UInt32.max) { sum, octet in table[Int((sum ^ UInt32(octet)) & 0xff)] ^ sum >> 8 }
    }
}
