internal import CarillonNet
internal import SwiftProtobuf

/// Decodes what is too much for a loop: a few messages at once, by the threads of ``EventLoop/offload(_:)``, and what
/// little of compressed messages it may decompress itself in one tick. Confined to its loop.
///
/// What waits is bounded by the calls, of which each has one message here at most, and by ``ConnectionState``, which has
/// its connection not read while much of it waits.
final class MessageDecoder {
    private let loop: EventLoop
    private let limits: ServerLimits
    /// This loop's share of ``ServerLimits/decodings``.
    private let limit: Int
    private var running = 0
    private var waiting = FairQueue<ObjectIdentifier, UnsafeContinuation<Void, Never>>()
    /// Octets that were made in the tick of ``inflatedAt``.
    private var inflated = 0
    private var inflatedAt: MonotonicTime?

    init(loop: EventLoop, limits: ServerLimits, loops: Int) {
        self.loop = loop
        self.limits = limits
        limit = max(1, limits.decodings / loops)
    }

    /// Decompresses a message at once if it says that it becomes little, and this tick has room for that.
    ///
    /// - Returns: `nil` if it has to be decoded by ``decode(_:as:for:isWanted:)``.
    /// - Throws: see ``ReceivedMessage/decode(as:_:)``.
    func inflateNow(_ message: ReceivedMessage) throws(Status) -> [UInt8]? {
        if inflatedAt != loop.now {
            inflatedAt = loop.now
            inflated = 0
        }
        let light = min(limits.lightMessage, limits.inflatedSize(of: message.count))
        let room = min(light, limits.inflationPerTick - inflated)
        let claim = message.claimedLength
        // What says that it is too much is looked at here, too; no more than a light message is made of it.
        guard room > 0, claim <= room || (room == light && message.claimsTooMuch(limits)) else { return nil }
        let octets = try message.inflate(upTo: room, limits)
        inflated += octets?.count ?? room
        return octets
    }

    /// Decodes a message on another thread, when it is the connection's turn. Called on the loop, to which it returns.
    ///
    /// - Parameter isWanted: asked when the turn has come.
    /// - Throws: see ``ReceivedMessage/decode(as:_:)``; CANCELLED if it is not wanted any more.
    func decode<Parsed: Message>(
        _ message: ReceivedMessage, as type: CallContentType, for connection: ConnectionState, isWanted: () -> Bool
    ) async throws(Status) -> (message: Parsed, inflated: Int) {
        loop.assertOnLoop()
        connection.decodingBegan(message.count)
        defer { connection.decodingEnded(message.count) }
        await enter(ObjectIdentifier(connection))
        defer { leave() }
        guard isWanted() else { throw Status(.cancelled, "the caller is gone") }
        let limits = limits
        do {
            return try await loop.offload { try message.decode(as: type, limits) }
        } catch {
            throw error as? Status ?? Status(.internalError, "the message cannot be decoded")
        }
    }

    /// Waits for a place.
    func enter(_ connection: ObjectIdentifier) async {
        guard running >= limit else {
            running += 1
            return
        }
        await withUnsafeContinuation { waiting.append($0, of: connection) }
    }

    /// Gives the place to whoever is next.
    func leave() {
        if let next = waiting.popFirst() { next.resume() } else { running -= 1 }
    }
}
