import Testing

@testable import CarillonNet

/// A body that does not come is waited for so long, but not where it was this side that did not read.
@Suite struct HeldInputTests {
    @Test func whatWasNotReadIsNotLate() async {
        let loop = EventLoop(name: "held")
        let closed = await loop.run { () -> [Double] in
            let owner = Owner()
            let session = HTTP2Session(isServer: true, loop: loop, peer: "peer", limits: .init())
            session.owner = owner
            defer { session.close() }
            #expect(Self.request.withUnsafeBytes { session.receive($0, at: .at(0)) } == nil)
            // The stream has ten seconds, and 25 of them are not its own.
            var closed: [Double] = []
            for second in stride(from: 1.0, through: 40, by: 1) {
                session.conduct.now = .at(second)
                if second == 5 { session.conduct.holdInput(true) }
                if second == 30 { session.conduct.holdInput(false) }
                session.lookAfterStreams()
                Self.drain(session)
                if owner.code != nil { closed.append(second) }
            }
            #expect(owner.code == .enhanceYourCalm)
            return closed
        }
        await loop.shutDown()
        #expect(closed.first == 36)
    }

    private static func drain(_ session: HTTP2Session) {
        withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 1) { buffer in
            while session.gather(into: buffer, upTo: 16 * 1024) > 0 {}
        }
    }

    /// The preface, SETTINGS, and the head of a POST whose body is to come.
    private static let request: [UInt8] = {
        let block: [UInt8] = [0x83, 0x87, 0x44, 6] + Array("/whole".utf8) + [0x41, 1] + Array("x".utf8)
        return Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
            + [0, 0, UInt8(block.count), 1, 4, 0, 0, 0, 1] + block
    }()

    private final class Owner: HTTP2SessionOwner, HTTP2StreamHandler {
        var code: HTTP2ErrorCode?

        func session(_ session: HTTP2Session, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { self }
        func sessionHasOutput(_ session: HTTP2Session) {}
        func sessionReceivedSettings(_ session: HTTP2Session) {}
        func sessionReceivedPong(_ session: HTTP2Session) {}
        func session(_ session: HTTP2Session, received goAway: HTTP2GoAway) {}
        func sessionClosedStream(_ session: HTTP2Session) {}

        func streamReceivedHeaders(_ stream: HTTP2Stream) { stream.awaitWholeBody() }
        func streamReceivedTrailers(_ stream: HTTP2Stream) {}
        func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {}
        func streamReceivedEnd(_ stream: HTTP2Stream) {}
        func streamDrained(_ stream: HTTP2Stream) {}
        func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) { self.code = code }
    }
}
