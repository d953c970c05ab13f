internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Something new for a watcher.
enum InboxUpdate {
    /// An item that came or changed, and the sequence to go on after.
    case item(InboxItem, cursor: Int64)
    /// The counters, and the sequence to go on after.
    case counters(InboxCounters, cursor: Int64)
}

/// One WatchInbox stream: where it stands, and what waits to be sent on it.
///
/// States: new (nothing was read for it) → watching → ended. What waits is bounded: a stream whose reader is slow falls
/// behind, is passed over, and is read for again when it has room; items are never skipped.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop; every entry asserts.
final class InboxWatcher: @unchecked Sendable {
    private static let room = 256

    let user: UserID
    let tenant: TenantID
    /// The key that signed the stream's token.
    let key: PortalKey
    /// The last item that was handed over; nil until the first read when the caller named none.
    private(set) var cursor: Int64?
    private(set) var isNew = true
    private let loop: EventLoop
    private var counters: InboxCounters?
    private var waiting: [InboxUpdate] = []
    private var ending: Status?
    private var reader: CheckedContinuation<Void, Never>?
    private var expiry: LoopTimer?
    /// Called when a full stream has room again.
    var onRoom: (() -> Void)?
    private var isBehind = false

    init(loop: EventLoop, tenant: TenantID, user: UserID, key: PortalKey, after cursor: Int64?) {
        self.loop = loop
        self.tenant = tenant
        self.user = user
        self.key = key
        self.cursor = cursor
    }

    /// Ends the stream when its token does.
    func expire(after time: Duration) {
        expiry = loop.schedule(after: time) { [weak self] in
            self?.end(
                Status(.unauthenticated, .tokenExpired, "the portal token has expired; watch again with a new one"))
        }
    }

    /// Ends the stream; what waits is still sent.
    func end(_ status: Status) {
        loop.assertOnLoop()
        guard ending == nil else { return }
        ending = status
        expiry?.cancel()
        expiry = nil
        wake()
    }

    private func wake() {
        reader?.resume()
        reader = nil
    }

    // MARK: For the hub

    /// Whether more can be handed over.
    var hasRoom: Bool { ending == nil && waiting.count < Self.room }

    /// Takes what a read after ``cursor`` found. The counters stand first on a new stream, then behind each change.
    func take(_ items: some Sequence<InboxItem>, _ counters: InboxCounters) {
        loop.assertOnLoop()
        if isNew {
            isNew = false
            let start = cursor ?? counters.lastSequence
            cursor = start
            self.counters = counters
            waiting.append(.counters(counters, cursor: start))
        }
        var position = cursor ?? 0
        for item in items where item.sequence > position {
            guard hasRoom else {
                isBehind = true
                break
            }
            position = item.sequence
            waiting.append(.item(item, cursor: position))
        }
        if position != cursor || counters != self.counters {
            cursor = position
            add(counters, cursor: position)
        }
        if !hasRoom { isBehind = true }
        if !waiting.isEmpty { wake() }
    }

    /// Takes items that were sent before and have changed.
    func takeChanged(_ items: [InboxItem], _ counters: InboxCounters) {
        loop.assertOnLoop()
        guard !isNew, let cursor else { return }
        for item in items where item.sequence <= cursor && hasRoom {
            waiting.append(.item(item, cursor: cursor))
        }
        add(counters, cursor: cursor)
        wake()
    }

    /// Adds counters, in place of older ones that nothing stands behind: they come however full the stream is, and must
    /// not fill it further.
    private func add(_ counters: InboxCounters, cursor: Int64) {
        self.counters = counters
        if case .counters? = waiting.last { waiting.removeLast() }
        waiting.append(.counters(counters, cursor: cursor))
    }

    // MARK: For the stream

    /// What is new, as soon as something is.
    ///
    /// - Throws: why the stream ends.
    func next() async throws(Status) -> [InboxUpdate] {
        loop.assertOnLoop()
        while waiting.isEmpty {
            if let ending { throw ending }
            if Task.isCancelled { throw Status(.cancelled, "the caller is gone") }
            await withTaskCancellationHandler {
                await withCheckedContinuation { reader = $0 }
            } onCancel: {
                loop.execute { self.end(Status(.cancelled, "the caller is gone")) }
            }
        }
        defer {
            waiting = []
            if isBehind {
                isBehind = false
                onRoom?()
            }
        }
        return waiting
    }
}
