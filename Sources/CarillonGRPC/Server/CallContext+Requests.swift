internal import CarillonNet
internal import SwiftProtobuf

// How the only message of a request that is too much for the loop gets to its handler. It is counted as held: as it came
// until it is decoded, and what it became by decompression until the handler has returned.
extension CallContext {
    /// Begins with the only message of a request, which is long or compressed.
    ///
    /// - Parameters:
    ///   - held: what is counted for it so far, which the call takes over.
    ///   - handler: what takes it if it turns out to be little.
    /// - Throws: see ``ReceivedMessage/decode(as:_:)``.
    func begin(
        _ message: ReceivedMessage, held: inout HeldInput,
        _ handler: (CallContext, UnsafeRawBufferPointer) throws(Status) -> Void
    ) throws(Status) {
        if message.isCompressed, let octets = try connection.decoder.inflateNow(message) {
            // Few octets can become many: whoever sends such waits for the others' turns.
            stream.session?.noteWork(octets.count)
            // `withUnsafeBytes` does not carry typed errors through.
            return try octets.withUnsafeBytes { bytes in
                Result { () throws(Status) in try handler(self, bytes) }
            }.get()
        }
        heldRequest = held
        held = HeldInput()
        method.input.takeHeavy?(self, message)
    }

    /// Decodes the only message of a request on another thread.
    ///
    /// - Throws: see ``MessageDecoder/decode(_:as:for:isWanted:)``; RESOURCE_EXHAUSTED when what it became is too much beside
    ///   what is held already.
    func decode<Request: Message>(_ message: ReceivedMessage) async throws(Status) -> Request {
        let (request, inflated): (Request, Int) = try await connection.decoder.decode(
            message, as: contentType, for: connection, isWanted: { !isCancelled })
        requestOctets = max(message.count, inflated)
        try heldRequest.set(inflated, connection)
        guard !isCancelled else { throw Status(.cancelled, "the caller is gone") }
        return request
    }
}
