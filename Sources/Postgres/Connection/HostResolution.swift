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
        var failure: CInt = 0
        return lookUp(text, flags: AI_NUMERICHOST, failure: &failure) != nil
    }

    /// What a look-up said.
    enum Answer: Sendable, Equatable {
        /// The name has these addresses, ``HostResolution/addressLimit`` at most.
        case addresses([String])
        /// There is no such name.
        case none
        /// Nobody could be asked.
        case noAnswer
    }

    /// How many addresses of one name are tried.
    static let addressLimit = 16

    /// Looks a name up. Blocks, for as long as the system's resolver takes.
    static func look(up name: String) -> Answer {
        var failure: CInt = 0
        if let found = lookUp(name, flags: AI_ADDRCONFIG, failure: &failure), !found.isEmpty {
            return .addresses(Array(found.prefix(addressLimit)))
        }
        return failure == EAI_AGAIN || failure == EAI_SYSTEM ? .noAnswer : .none
    }

    private static func lookUp(_ name: String, flags: CInt, failure: inout CInt) -> [String]? {
        var hints = addrinfo()
        hints.ai_flags = flags
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        failure = getaddrinfo(name, nil, &hints, &list)
        guard failure == 0 else { return nil }
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
