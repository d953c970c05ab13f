internal import CarillonGRPC
internal import CarillonNet

/// The open watches of one loop: they wait here until something may have changed.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop; every entry asserts.
final class WatchDesk: @unchecked Sendable {
    private let loop: EventLoop
    private var streams: OpenStreams
    private var nextNumber = 0
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    /// How many times something may have changed.
    private(set) var changes = 0
    /// Whether watches are to end.
    private(set) var isEnding = false

    init(loop: EventLoop, streams: OpenStreams) {
        self.loop = loop
        self.streams = streams
    }

    /// Takes a watch in, under a number of its own; ``leave(_:_:)`` must follow.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when there are too many.
    func enter(_ connection: ConnectionState) throws(Status) -> Int {
        loop.assertOnLoop()
        try streams.enter(connection)
        nextNumber += 1
        return nextNumber
    }

    /// Lets a watch go.
    func leave(_ number: Int, _ connection: ConnectionState) {
        loop.assertOnLoop()
        streams.leave(connection)
        wake(number)
    }

    /// Waits until more has changed than was seen.
    ///
    /// - Throws: `CancellationError` when the caller is gone.
    func nextChange(after seen: Int, for number: Int) async throws(CancellationError) {
        loop.assertOnLoop()
        guard changes == seen else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiting[number] = $0 }
        } onCancel: {
            loop.execute { self.wake(number) }
        }
        if Task.isCancelled { throw CancellationError() }
    }

    /// Something may have changed.
    func wakeAll() {
        loop.assertOnLoop()
        changes += 1
        let woken = waiting.values
        waiting = [:]
        for continuation in woken { continuation.resume() }
    }

    /// Ends all watches, and those that come.
    func end() {
        isEnding = true
        wakeAll()
    }

    private func wake(_ number: Int) {
        waiting.removeValue(forKey: number)?.resume()
    }
}
