/// Which network addresses may be connected to. It is asked with the resolved address at the moment of connecting, so a
/// name that resolves differently the second time, or an address in an odd notation, cannot pass.
package enum AddressPolicy: String, Sendable, Hashable {
    /// Only addresses that are routed on the public internet: for hosts that a tenant names.
    case publicInternet = "public_internet"
    /// Every address: for hosts that the operator names, and for development.
    case any

    /// Whether an address (4 or 16 bytes in network order) may be connected to.
    package func allows(_ address: [UInt8]) -> Bool {
        if self == .any { return address.count == 4 || address.count == 16 }
        switch address.count {
        case 4: return !Self.isSpecialV4(address[...])
        case 16: return !Self.isSpecialV6(address)
        default: return false
        }
    }

    private static func isSpecialV4(_ a: ArraySlice<UInt8>) -> Bool {
        let value = a.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return v4Ranges.contains { value >> (32 - $0.length) == $0.network >> (32 - $0.length) }
    }

    private static func isSpecialV6(_ a: [UInt8]) -> Bool {
        // ::ffff:0:0/96 is an IPv4 address in another coat.
        if a[..<10].allSatisfy({ $0 == 0 }), a[10] == 0xFF, a[11] == 0xFF { return isSpecialV4(a[12...]) }
        // Only 2000::/3 is given out for global unicast; what is special inside of it follows.
        if a[0] & 0xE0 != 0x20 { return true }
        return v6Prefixes.contains { prefix in a.starts(with: prefix.bytes) && prefix.matches(a) }
    }

    // IANA IPv4 special-purpose address registry, multicast and class E included.
    private static let v4Ranges: [(network: UInt32, length: UInt32)] = [
        (0x0000_0000, 8),  // this network
        (0x0A00_0000, 8),  // private
        (0x6440_0000, 10),  // shared by carrier-grade NAT
        (0x7F00_0000, 8),  // loopback
        (0xA9FE_0000, 16),  // link-local, cloud metadata
        (0xAC10_0000, 12),  // private
        (0xC000_0000, 24),  // protocol assignments
        (0xC000_0200, 24),  // documentation
        (0xC058_6300, 24),  // 6to4 relay
        (0xC0A8_0000, 16),  // private
        (0xC612_0000, 15),  // benchmarks
        (0xC633_6400, 24),  // documentation
        (0xCB00_7100, 24),  // documentation
        (0xE000_0000, 4),  // multicast
        (0xF000_0000, 4),  // reserved, broadcast
    ]

    private struct Prefix {
        let bytes: [UInt8]
        var matches: @Sendable ([UInt8]) -> Bool = { _ in true }
    }

    // Inside 2000::/3. NAT64 (64:ff9b::), discard (100::), SRv6 (5f00::), ULA and link-local lie outside of it.
    private static let v6Prefixes: [Prefix] = [
        Prefix(bytes: [0x20, 0x01, 0x0D, 0xB8]),  // documentation
        Prefix(bytes: [0x20, 0x02]),  // 6to4 carries an IPv4 address
        Prefix(bytes: [0x20, 0x01], matches: { $0[2] < 0x02 }),  // 2001::/23 protocol assignments, Teredo
        Prefix(bytes: [0x3F, 0xFF], matches: { $0[2] < 0x10 }),  // 3fff::/20 documentation
    ]
}
