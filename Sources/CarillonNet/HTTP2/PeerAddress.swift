#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Whom a connection comes from, for counting: an IPv4 address, or the network of 64 bits of an IPv6 address, since one
/// subscriber has at least that many.
package struct PeerAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// Takes the octets of an address, 4 or 16; IPv4 within IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
    init(_ octets: some Collection<UInt8>) {
        func number(_ octets: some Collection<UInt8>) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }
        let isMapped =
            octets.count == 16 && octets.prefix(10).allSatisfy { $0 == 0 }
            && number(octets.dropFirst(10).prefix(2)) == 0xffff
        if octets.count == 4 || isMapped {
            (high, low) = (0, 0xffff_0000_0000 | number(octets.suffix(4)))
        } else {
            (high, low) = (number(octets.prefix(8)), 0)
        }
    }

    /// Reads an address as ``HTTP2Connection/peer`` tells it, a zone behind `%` or not. All texts that are no addresses, such
    /// as that of a peer that was gone at once, count as one.
    package init(_ text: String) {
        let text = String(text.prefix { $0 != "%" })
        var octets = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &octets) == 1 {
            self.init(octets.prefix(4))
        } else {
            if inet_pton(AF_INET6, text, &octets) != 1 { octets = [UInt8](repeating: 0, count: 16) }
            self.init(octets)
        }
    }
}
