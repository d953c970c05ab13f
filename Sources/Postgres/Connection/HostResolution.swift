#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Name resolution apart from libpq, which would block the loop's thread with it.
enum HostResolution {
    /// Whether the text is an IPv4 or IPv6 address.
    static func isNumeric(_ text: String) -> Bool {
        lookUp(text, flags: AI_NUMERICHOST) != nil
    }

    /// Replaces each host that is a name by one host for each of its addresses. A name that has none is left out.
    /// Blocks; runs on the loop's thread pool.
    static func resolve(_ hosts: [ConnectionParameters.Host]) -> [ConnectionParameters.Host] {
        hosts.flatMap { host in
            guard host.needsResolution else { return [host] }
            return (lookUp(host.name, flags: AI_ADDRCONFIG) ?? []).map { address in
                ConnectionParameters.Host(name: host.name, address: address, port: host.port)
            }
        }
    }

    private static func lookUp(_ name: String, flags: CInt) -> [String]? {
        var hints = addrinfo()
        hints.ai_flags = flags
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next?.pointee {
            if let address = text(of: entry) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses
    }

    private static func text(of entry: addrinfo) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            guard
                getnameinfo(
                    entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0,
                    NI_NUMERICHOST) == 0
            else { return nil }
            return buffer.baseAddress.map { String(cString: $0) }
        }
    }
}
