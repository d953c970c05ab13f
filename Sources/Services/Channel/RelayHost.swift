/// Which hosts a tenant may name as its mail relay.
///
/// This is for an early and clear answer. What protects the operator's network is the check of the resolved address at
/// the moment of connecting, which a name cannot get around.
enum RelayHost {
    /// What is wrong with a host; nil when nothing is.
    ///
    /// - Parameters:
    ///   - host: a DNS name or an IP address, in small letters.
    ///   - allowsPrivate: whether it may be on a private network or on this machine.
    static func problem(_ host: String, allowsPrivate: Bool) -> String? {
        if host.isEmpty { return "is required" }
        if let address = IPv4(host) {
            return allowsPrivate || !address.isPrivate ? nil : "is an address of a private network"
        }
        if host.utf8.contains(UInt8(ascii: ":")) {
            guard isIPv6Shape(host) else { return "is neither a host name nor an IP address" }
            return allowsPrivate || isGlobalIPv6(host) ? nil : "is an address of a private network"
        }
        guard TextForms.isHostName(host), !isNumeric(host) else { return "is neither a host name nor an IP address" }
        if allowsPrivate { return nil }
        let isInner = host == "localhost" || innerSuffixes.contains(where: host.hasSuffix) || !host.contains(".")
        return isInner ? "is a name of this machine or of a private network" : nil
    }

    /// Whether a host can only be this machine.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || IPv4(host)?.isLoopback == true
    }

    private static let innerSuffixes = [".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa"]

    /// Numbers that resolvers take for addresses: decimal, octal and hexadecimal notations of all sorts.
    private static func isNumeric(_ host: String) -> Bool {
        guard let last = host.split(separator: ".").last else { return true }
        return last.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } || last.hasPrefix("0x")
    }

    private static func isIPv6Shape(_ host: String) -> Bool {
        (2...45).contains(host.utf8.count)
            && host.utf8.allSatisfy { octet in
                switch octet {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: ":"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Only 2000::/3 is given out for global unicast.
    private static func isGlobalIPv6(_ host: String) -> Bool {
        guard let first = host.split(separator: ":", omittingEmptySubsequences: false).first,
            let group = UInt16(first, radix: 16)
        else { return false }
        return group & 0xe000 == 0x2000
    }

    /// Four decimal numbers, the only notation that every parser reads alike.
    private struct IPv4 {
        private let parts: [UInt8]

        init?(_ host: String) {
            let texts = host.split(separator: ".", omittingEmptySubsequences: false)
            let parts = texts.compactMap { text in UInt8(text).flatMap { String($0) == text ? $0 : nil } }
            guard texts.count == 4, parts.count == 4 else { return nil }
            self.parts = parts
        }

        var isLoopback: Bool { parts[0] == 127 }

        var isPrivate: Bool {
            switch (parts[0], parts[1]) {
            case (0, _), (10, _), (127, _), (224..., _), (100, 64...127), (169, 254), (172, 16...31), (192, 168),
                (198, 18...19):
                true
            case (192, 0): parts[2] == 0 || parts[2] == 2
            case (198, 51): parts[2] == 100
            case (203, 0): parts[2] == 113
            default: false
            }
        }
    }
}
