import Testing

@testable import CarillonNet

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What is seen of a peer before anything is read from it.
@Suite struct SocketTests {
    private let ours: CInt
    private let theirs: CInt

    init() {
        let pair = SocketPair()
        (ours, theirs) = (pair.one, pair.other)
        _ = fcntl(ours, F_SETFL, O_NONBLOCK)
    }

    @Test func whoSaysNothingIsSilentUntilItLeaves() {
        #expect(Socket.firstLook(ours) == .silent)
        Socket.close(theirs)
        #expect(Socket.firstLook(ours) == .left)
        Socket.close(ours)
    }

    @Test func whoHasSpokenMayHaveLeftSince() {
        Socket.sendSome(theirs, [22, 3, 1])
        #expect(Socket.firstLook(ours) == .hasSpoken)
        #expect(!Socket.hasEnded(ours))
        Socket.finishSending(theirs)
        // What it said is still there to be read.
        #expect(Socket.firstLook(ours) == .hasSpoken)
        #if canImport(Glibc)
            #expect(Socket.hasEnded(ours))
        #endif
        Socket.close(theirs)
        Socket.close(ours)
    }
}
