#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A system call on a socket that failed.
package struct SocketError: Error, CustomStringConvertible {
    /// The value of `errno`.
    package let errno: CInt
    private let what: String

    /// Whether somebody else has the address and port.
    var isAddressInUse: Bool { errno == EADDRINUSE }
    /// Whether the machine has no such address, or nothing of its family.
    var isUnknownAddress: Bool { errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT }

    init(doing what: String, errno: CInt) {
        self.what = what
        self.errno = errno
    }

    /// One line for the log.
    package var description: String { "\(what): \(String(cString: strerror(errno)))" }
}

/// The few socket calls that libuv does not make for us, each with its error as a value.
enum Socket {
    /// An address of the socket API with its length.
    struct Address: Sendable {
        var storage: sockaddr_storage
        var length: socklen_t
        var family: CInt { CInt(storage.ss_family) }
    }

    /// Turns a host name or address and a port into socket addresses. Blocks: runs on the pool only.
    static func resolve(host: String, port: UInt16, passive: Bool) throws -> [Address] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = streamType
        hints.ai_flags = passive ? AI_PASSIVE : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard result == 0, let list else {
            throw ResolutionError(description: "\(host): \(String(cString: gai_strerror(result)))")
        }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0.pointee.ai_next }).map { entry in
            var address = Address(storage: sockaddr_storage(), length: entry.pointee.ai_addrlen)
            withUnsafeMutableBytes(of: &address.storage) { storage in
                storage.copyMemory(
                    from: UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)))
            }
            return address
        }
    }

    /// Opens a listening socket.
    ///
    /// - Parameters:
    ///   - address: where.
    ///   - onlyIPv6: whether an IPv6 socket is to take no IPv4 (IPV6_V6ONLY), since another one does; else the system's
    ///     usual.
    /// - Throws: with the address in its words.
    static func listen(at address: NetworkAddress, onlyIPv6: Bool) throws(SocketError) -> CInt {
        let descriptor = try make(address.socketAddress.family, for: "\(address)")
        do throws(SocketError) {
            setOption(descriptor, SOL_SOCKET, SO_REUSEADDR)
            if onlyIPv6, address.isIPv6 { setOption(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY) }
            deferAccept(descriptor)
            var storage = address.socketAddress.storage
            let length = address.socketAddress.length
            let bound = withUnsafePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            guard bound == 0 else { throw SocketError(doing: "bind \(address)", errno: errno) }
            guard systemListen(descriptor, 1024) == 0 else {
                throw SocketError(doing: "listen on \(address)", errno: errno)
            }
            return descriptor
        } catch {
            systemClose(descriptor)
            throw error
        }
    }

    /// Lets the system keep a connection to itself until its first octets come, or for about a second (TCP_DEFER_ACCEPT,
    /// Linux only): clients of TLS speak first, and who says nothing costs no descriptor and no turn here.
    private static func deferAccept(_ descriptor: CInt) {
        #if canImport(Glibc)
            setOption(descriptor, CInt(IPPROTO_TCP), TCP_DEFER_ACCEPT)
        #endif
    }

    /// Begins to connect; the descriptor is writable when the attempt has ended, then see ``pendingError(_:)``.
    static func connect(to address: Address) throws(SocketError) -> CInt {
        let descriptor = try make(address.family)
        setOption(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY)
        var address = address
        let length = address.length
        let result = withUnsafePointer(to: &address.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { systemConnect(descriptor, $0, length) }
        }
        guard result == 0 || errno == EINPROGRESS else {
            let error = SocketError(doing: "connect", errno: errno)
            systemClose(descriptor)
            throw error
        }
        return descriptor
    }

    /// Takes the next waiting connection, or `nil` when none waits.
    static func accept(from listener: CInt) throws(SocketError) -> CInt? {
        while true {
            let descriptor = systemAccept(listener)
            if descriptor >= 0 {
                makeNonBlocking(descriptor)
                setOption(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY)
                return descriptor
            }
            switch errno {
            case EAGAIN: return nil
            // The peer gave up while it waited, or the call was interrupted: look at the next one.
            case ECONNABORTED, EINTR, EPROTO: continue
            default: throw SocketError(doing: "accept", errno: errno)
            }
        }
    }

    /// The error that a connection attempt ended with; `nil` for success.
    static func pendingError(_ descriptor: CInt) -> SocketError? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length)
        return value == 0 ? nil : SocketError(doing: "connect", errno: value)
    }

    /// The port that a socket is bound to.
    static func localPort(_ descriptor: CInt) -> UInt16 {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        // The port stands at the same place in IPv4 and IPv6 addresses, in network byte order.
        return withUnsafeBytes(of: address) { UInt16($0[2]) << 8 | UInt16($0[3]) }
    }

    /// The peer's address as text without its port; empty when there is none.
    static func peerName(_ descriptor: CInt) -> String {
        var address = Address(storage: sockaddr_storage(), length: socklen_t(MemoryLayout<sockaddr_storage>.size))
        let found = withUnsafeMutablePointer(to: &address.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &address.length) == 0 }
        }
        return found ? name(of: address) : ""
    }

    /// The octets of the peer's address, 4 or 16; none when there is no peer.
    static func peerOctets(_ descriptor: CInt) -> [UInt8] {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let found = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) == 0 }
        }
        guard found else { return [] }
        // Where the octets stand is the same on all systems: behind family and port, and for IPv6 the flow as well.
        return withUnsafeBytes(of: storage) { bytes in
            Array(CInt(storage.ss_family) == AF_INET6 ? bytes[8..<24] : bytes[4..<8])
        }
    }

    /// An address as text without its port; empty when it is of no known family.
    static func name(of address: Address) -> String {
        var storage = address.storage
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let written = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, address.length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        guard written else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Copies the first octets that wait to be read, and leaves them there; 0 when there are none.
    static func peek(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        max(0, recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_PEEK)))
    }

    /// What there is to see of a connection before anything was read from it.
    enum FirstLook {
        /// Something waits to be read.
        case hasSpoken
        /// Nothing has come.
        case silent
        /// The peer has left, and said nothing.
        case left
    }

    /// Looks at a connection that was accepted.
    static func firstLook(_ descriptor: CInt) -> FirstLook {
        var octet: UInt8 = 0
        let count = recv(descriptor, &octet, 1, CInt(MSG_PEEK))
        if count > 0 { return .hasSpoken }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? .silent : .left
    }

    /// Whether the peer has said all that it will, read or not (on Linux; elsewhere it is not known, and no).
    static func hasEnded(_ descriptor: CInt) -> Bool {
        #if canImport(Glibc)
            // POLLRDHUP, which is not in the headers' default view.
            let ended: Int16 = 0x2000
            var entry = pollfd(fd: descriptor, events: ended, revents: 0)
            return poll(&entry, 1, 0) > 0
        #else
            return false
        #endif
    }

    /// Sends a few octets without TLS, as far as the socket takes them.
    static func sendSome(_ descriptor: CInt, _ octets: [UInt8]) {
        _ = send(descriptor, octets, octets.count, 0)
    }

    /// Lets the system end the connection when sent octets stay unacknowledged for that long (TCP_USER_TIMEOUT, gRFC A18);
    /// nothing on systems that have no such option.
    static func setUserTimeout(_ descriptor: CInt, _ timeout: Duration) {
        #if canImport(Glibc)
            var milliseconds = UInt32(clamping: timeout.wholeNanoseconds / 1_000_000)
            setsockopt(
                descriptor, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, socklen_t(MemoryLayout<UInt32>.size))
        #endif
    }

    /// Tells the peer that nothing more will be sent.
    static func finishSending(_ descriptor: CInt) {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Reads and forgets some of what the peer still sends; false when it is done. Bounded, so that a peer that sends as fast
    /// as it is read does not hold the loop.
    static func discardInput(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        for _ in 0..<4 {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { return count < 0 && errno == EAGAIN }
        }
        return true
    }

    /// Closes a descriptor with a reset, and forgets what the peer has not taken: the system would keep it for minutes.
    static func abort(_ descriptor: CInt) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        systemClose(descriptor)
    }

    /// Closes a descriptor.
    static func close(_ descriptor: CInt) {
        systemClose(descriptor)
    }

    private static func make(_ family: CInt, for purpose: String = "") throws(SocketError) -> CInt {
        let descriptor = socket(family, streamType, 0)
        guard descriptor >= 0 else {
            throw SocketError(doing: purpose.isEmpty ? "socket" : "socket for \(purpose)", errno: errno)
        }
        makeNonBlocking(descriptor)
        return descriptor
    }

    private static func makeNonBlocking(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    private static func setOption(_ descriptor: CInt, _ level: CInt, _ option: CInt) {
        var on: CInt = 1
        setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<CInt>.size))
    }
}

/// A host name that cannot be turned into an address.
package struct ResolutionError: Error, CustomStringConvertible {
    /// One line for the log.
    package let description: String
}

#if canImport(Glibc)
    private let streamType = CInt(SOCK_STREAM.rawValue)
    private func systemAccept(_ listener: CInt) -> CInt { Glibc.accept(listener, nil, nil) }
    private func systemConnect(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
        Glibc.connect(descriptor, address, length)
    }
    private func systemListen(_ descriptor: CInt, _ backlog: CInt) -> CInt { Glibc.listen(descriptor, backlog) }
    @discardableResult private func systemClose(_ descriptor: CInt) -> CInt { Glibc.close(descriptor) }
#else
    private let streamType = SOCK_STREAM
    private func systemAccept(_ listener: CInt) -> CInt { Darwin.accept(listener, nil, nil) }
    private func systemConnect(_ descriptor: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
        Darwin.connect(descriptor, address, length)
    }
    private func systemListen(_ descriptor: CInt, _ backlog: CInt) -> CInt { Darwin.listen(descriptor, backlog) }
    @discardableResult private func systemClose(_ descriptor: CInt) -> CInt { Darwin.close(descriptor) }
#endif

extension SocketError {
    /// A connection attempt that nobody answered in time.
    static let timedOut = SocketError(doing: "connect", errno: ETIMEDOUT)
}
