@testable import CarillonNet

#if canImport(Glibc)
    import Glibc
    private let streamType = CInt(SOCK_STREAM.rawValue)
#else
    import Darwin
    private let streamType = SOCK_STREAM
#endif

/// Two sockets that are connected with each other. Whoever makes them closes them.
struct SocketPair {
    let one: CInt
    let other: CInt

    init() {
        var ends: [CInt] = [0, 0]
        precondition(socketpair(AF_UNIX, streamType, 0, &ends) == 0)
        (one, other) = (ends[0], ends[1])
    }
}
