internal import CarillonGRPC
internal import CarillonNet

/// The open reflection streams of one loop.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop; every entry asserts.
final class ReflectionDesk: @unchecked Sendable {
    private let loop: EventLoop
    private var streams: OpenStreams
    private var calls: [ObjectIdentifier: CallContext] = [:]
    private var isEnding = false

    init(loop: EventLoop, streams: OpenStreams) {
        self.loop = loop
        self.streams = streams
    }

    /// Takes a stream in; ``leave(_:)`` must follow.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when there are too many, UNAVAILABLE at the end.
    func enter(_ call: CallContext) throws(Status) {
        loop.assertOnLoop()
        if isEnding { throw Self.ending }
        try streams.enter(call.connection)
        calls[ObjectIdentifier(call)] = call
    }

    /// Lets a stream go.
    func leave(_ call: CallContext) {
        loop.assertOnLoop()
        streams.leave(call.connection)
        calls[ObjectIdentifier(call)] = nil
    }

    /// Ends all streams, and those that come.
    func end() {
        loop.assertOnLoop()
        isEnding = true
        for call in Array(calls.values) { call.fail(Self.ending) }
    }

    private static let ending = Status(.unavailable, "the server is about to end; ask another one")
}
