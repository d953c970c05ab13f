package import SwiftProtobuf

/// One entry of the method table: a path and what runs when it is called.
package struct RPCMethod: Sendable {
    /// How input reaches the handler.
    enum Input: Sendable {
        /// After the end of input, with exactly one message.
        case one(@Sendable (CallContext, UnsafeRawBufferPointer) throws(Status) -> Void)
        /// From the first message on.
        case stream(@Sendable (CallContext, MessageQueue) -> Void)
    }
    /// The path of the request, `/package.Service/Method`.
    package let path: StaticString
    let input: Input

    /// A call with one message each way.
    ///
    /// - Parameters:
    ///   - inline: runs on the loop without a task; it must not wait. `nil` passes the request on to `async`.
    ///   - async: runs in a task on the loop.
    package static func unary<Request: Message, Response: Message>(
        _ path: StaticString,
        inline: @escaping @Sendable (Request, CallContext) throws -> Response?,
        async: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) -> RPCMethod {
        RPCMethod(
            path: path,
            input: .one { context, bytes throws(Status) in
                let request: Request = try MessageFrame.parse(bytes)
                do {
                    if let response = try inline(request, context) {
                        return context.reply(try MessageFrame.of(response))
                    }
                } catch {
                    return context.fail(Status(handlerError: error))
                }
                context.run {
                    do {
                        context.reply(try MessageFrame.of(try await async(request, context)))
                    } catch {
                        context.fail(Status(handlerError: error))
                    }
                }
            })
    }

    /// A call with one message in and many out.
    package static func serverStreaming<Request: Message, Response: Message>(
        _ path: StaticString,
        _ handler: @escaping @Sendable (Request, ResponseWriter<Response>, CallContext) async throws -> Void
    ) -> RPCMethod {
        RPCMethod(
            path: path,
            input: .one { context, bytes throws(Status) in
                let request: Request = try MessageFrame.parse(bytes)
                context.runStream { try await handler(request, ResponseWriter(context: context), context) }
            })
    }

    /// A call with many messages in and one out.
    package static func clientStreaming<Request: Message, Response: Message>(
        _ path: StaticString,
        _ handler: @escaping @Sendable (RequestReader<Request>, CallContext) async throws -> Response
    ) -> RPCMethod {
        RPCMethod(
            path: path,
            input: .stream { context, queue in
                context.run {
                    do {
                        let response = try await handler(RequestReader(queue: queue), context)
                        context.reply(try MessageFrame.of(response))
                    } catch {
                        context.fail(Status(handlerError: error))
                    }
                }
            })
    }

    /// A call with many messages each way, in any order.
    package static func bidirectionalStreaming<Request: Message, Response: Message>(
        _ path: StaticString,
        _ handler:
            @escaping @Sendable (RequestReader<Request>, ResponseWriter<Response>, CallContext) async throws ->
            Void
    ) -> RPCMethod {
        RPCMethod(
            path: path,
            input: .stream { context, queue in
                context.runStream {
                    try await handler(RequestReader(queue: queue), ResponseWriter(context: context), context)
                }
            })
    }
}

extension CallContext {
    /// Runs the handler of a streaming answer and ends the call as it ended.
    func runStream(_ handler: @escaping @Sendable () async throws -> Void) {
        run {
            do {
                try await handler()
                self.finishStream()
            } catch {
                self.fail(Status(handlerError: error))
            }
        }
    }
}

/// Sends the messages of a streaming answer. Used on the call's loop.
package struct ResponseWriter<Response: Message>: Sendable {
    private let context: CallContext

    init(context: CallContext) {
        self.context = context
    }

    /// Sends the header block now, which tells the caller that the call was accepted, before any message.
    package func sendHeaders() {
        context.sendHeadersOnce()
    }

    /// Sends a message, and waits while the peer takes less than is sent.
    ///
    /// - Throws: CANCELLED when the caller is gone.
    package func send(_ message: Response) async throws(Status) {
        try await context.send(MessageFrame.of(message))
    }
}
