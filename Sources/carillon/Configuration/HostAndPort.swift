/// A host and a TCP port: `portal.example.com:443`, `[::1]:8443`, or `:8443` for all addresses.
struct HostAndPort: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address, without brackets; empty for all addresses.
    var host: String
    /// 0 lets the system choose.
    var port: UInt16

    /// Reads the form above.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        // UInt16 alone would take a sign.
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") || host.contains("]") {
            return nil
        }
        guard host.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "/" && $0 != "@" }) else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Makes one of its parts.
    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// The form that is read.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The same place as somebody on this machine calls it: who listens everywhere is called on the loopback address.
    var called: HostAndPort {
        switch host {
        case "", "0.0.0.0": HostAndPort(host: "127.0.0.1", port: port)
        case "::": HostAndPort(host: "::1", port: port)
        default: self
        }
    }
}
