package import CarillonNet
package import SwiftProtobuf

/// Calls the methods of a service whose servers stand behind one or several names. It connects when the first call is made,
/// keeps connections to all their addresses, and shares the calls out among them (``ClientChannel``).
///
/// Methods may be called from any task; the calls run on the client's loop. A call ends when its task is cancelled.
package final class RPCClient: Sendable {
    private let loop: EventLoop
    private let channel: ClientChannel

    /// Makes a client; nothing is connected yet.
    package convenience init(loop: EventLoop, configuration: Configuration) {
        self.init(loop: loop, configuration: configuration, surroundings: Surroundings())
    }

    init(loop: EventLoop, configuration: Configuration, surroundings: Surroundings) {
        self.loop = loop
        channel = ClientChannel(loop: loop, configuration: configuration, surroundings: surroundings)
    }

    /// Closes the connections; open calls end as cancelled, later ones as UNAVAILABLE. May be called several times.
    package func close() async {
        let (loop, channel) = (self.loop, self.channel)
        await loop.run {
            if loop.isOnLoop { channel.close() }
        }
    }

    /// Does what ``close()`` does soon, without waiting for it. Any thread.
    package func closeSoon() {
        let (loop, channel) = (self.loop, self.channel)
        loop.execute {
            if loop.isOnLoop { channel.close() }
        }
    }

    /// Makes a call with one message each way.
    ///
    /// - Throws: the status of a call that failed; UNIMPLEMENTED for an answer with no or several messages.
    package func unary<Request: Message, Response: Message>(
        _ path: StaticString, _ request: Request, options: CallOptions = .init()
    ) async throws(Status) -> Response {
        let frame = try MessageFrame.of(request, encoding(options))
        let channel = self.channel
        return try await loop.runCall { () async throws(Status) in
            let call = ClientCall(channel: channel, path: path, options: options)
            call.start(frame, isWhole: true)
            return try await call.single()
        }
    }

    /// Makes a call with one message each way, and returns the metadata with its outcome.
    package func unaryAnswer<Request: Message, Response: Message>(
        _ path: StaticString, _ request: Request, options: CallOptions = .init()
    ) async -> RPCAnswer<Response> {
        do throws(Status) {
            return try await answer(path, MessageFrame.of(request, encoding(options)), options)
        } catch {
            return RPCAnswer(result: .failure(error), headers: Metadata(), trailers: Metadata())
        }
    }

    private func answer<Response: Message>(
        _ path: StaticString, _ frame: [UInt8], _ options: CallOptions
    ) async throws(Status) -> RPCAnswer<Response> {
        let channel = self.channel
        return try await loop.runCall {
            let call = ClientCall(channel: channel, path: path, options: options)
            call.start(frame, isWhole: true)
            let result: Result<Response, Status>
            do throws(Status) {
                result = .success(try await call.single())
            } catch {
                result = .failure(error)
            }
            let (_, trailers) = await call.outcome()
            return RPCAnswer(result: result, headers: await call.headers(), trailers: trailers)
        }
    }

    /// Makes a call with one message out and many in. Failures come from the reader.
    package func serverStreaming<Request: Message, Response: Message>(
        _ path: StaticString, _ request: Request, options: CallOptions = .init()
    ) async throws(Status) -> ResponseReader<Response> {
        let frame = try MessageFrame.of(request, encoding(options))
        return ResponseReader(handle: try await start(path, frame, isWhole: true, options))
    }

    /// Makes a call with many messages out and one in. Failures come from the reader and the writer.
    package func clientStreaming<Request: Message, Response: Message>(
        _ path: StaticString, options: CallOptions = .init()
    ) async throws(Status) -> (RequestWriter<Request>, ResponseReader<Response>) {
        try await bidirectionalStreaming(path, options: options)
    }

    /// Makes a call with many messages each way. Failures come from the reader and the writer.
    package func bidirectionalStreaming<Request: Message, Response: Message>(
        _ path: StaticString, options: CallOptions = .init()
    ) async throws(Status) -> (RequestWriter<Request>, ResponseReader<Response>) {
        let handle = try await start(path, nil, isWhole: false, options)
        return (RequestWriter(handle: handle), ResponseReader(handle: handle))
    }

    private func encoding(_ options: CallOptions) -> MessageEncoding {
        channel.configuration.encoding(options)
    }

    private func start(
        _ path: StaticString, _ frame: [UInt8]?, isWhole: Bool, _ options: CallOptions
    ) async throws(Status) -> CallHandle {
        let channel = self.channel
        return try await loop.runCall {
            let call = ClientCall(channel: channel, path: path, options: options)
            call.start(frame, isWhole: isWhole)
            return CallHandle(call)
        }
    }
}

extension EventLoop {
    /// Runs a part of a call on its client's loop.
    ///
    /// - Throws: what the body throws; UNAVAILABLE when the loop has ended, and then nothing of the body has run.
    func runCall<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(Status) -> Value
    ) async throws(Status) -> Value {
        try await run { () async throws(Status) in
            // A task that finds its loop ended runs elsewhere, where nothing of the client may be touched.
            guard self.isOnLoop else { throw Status(.unavailable, "the client is closed") }
            return try await body()
        }
    }
}
