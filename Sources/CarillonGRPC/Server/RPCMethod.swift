package import SwiftProtobuf

/// One entry of the method table: a path and what runs when it is called. It is the same for all dialects and codecs.
package struct RPCMethod: Sendable {
    /// How input reaches the handler. A class, so that copying a method counts one reference and not those of all that its
    /// closures hold.
    final class Input: Sendable {
        let kind: Kind
        /// For methods with one message in: takes one that is too much to be decoded on the loop. Apart from ``kind``, so that
        /// this costs others nothing.
        let takeHeavy: (@Sendable (CallContext, ReceivedMessage) -> Void)?

        init(_ kind: Kind, takeHeavy: (@Sendable (CallContext, ReceivedMessage) -> Void)? = nil) {
            self.kind = kind
            self.takeHeavy = takeHeavy
        }
    }
    /// See ``Input``.
    enum Kind: Sendable {
        /// After the end of input, with exactly one message.
        case one(@Sendable (CallContext, UnsafeRawBufferPointer) throws(Status) -> Void)
        /// From the first message on.
        case stream(@Sendable (CallContext, MessageQueue) -> Void)
    }
    /// The path of the request, `/package.Service/Method`.
    package let path: StaticString
    /// Whether it has one message each way.
    package let isUnary: Bool
    /// Whether a call changes nothing, so that it may be made by GET and its answer kept by caches
    /// (`option idempotency_level = NO_SIDE_EFFECTS`). Only for calls with one message each way.
    package let hasNoSideEffects: Bool
    /// Whether answers are compressed for callers that can decode that, unless the handler says otherwise; see
    /// ``CallContext/compressesResponses``.
    package var compressesResponses = false
    /// Free for the owner of the table, such as for what a caller must be allowed; nothing here reads it.
    package var mark: UInt64 = 0
    /// Its place in the method table, by which it is counted.
    var number = 0
    let input: Input

    private init(
        _ path: StaticString, isUnary: Bool = false, hasNoSideEffects: Bool = false, _ kind: Kind,
        takeHeavy: (@Sendable (CallContext, ReceivedMessage) -> Void)? = nil
    ) {
        self.path = path
        self.isUnary = isUnary
        self.hasNoSideEffects = hasNoSideEffects
        input = Input(kind, takeHeavy: takeHeavy)
    }

    /// A call with one message each way.
    ///
    /// - Parameters:
    ///   - hasNoSideEffects: see ``hasNoSideEffects``.
    ///   - inline: runs on the loop, and without a task unless the message was heavy; it must not wait. `nil` passes the
    ///     request on to `async`.
    ///   - async: runs in a task on the loop.
    package static func unary<Request: Message, Response: Message>(
        _ path: StaticString, hasNoSideEffects: Bool = false,
        inline: @escaping @Sendable (Request, CallContext) throws -> Response?,
        async: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) -> RPCMethod {
        unary(
            path, hasNoSideEffects: hasNoSideEffects,
            atOnce: { request, context in
                guard let response = try inline(request, context) else { return false }
                try context.reply(response)
                return true
            },
            async: async)
    }

    /// A call with one message each way, whose handler answers for itself where it can: generated code, in which the type of
    /// the answer is known, so that it is not looked up for each call.
    ///
    /// - Parameters:
    ///   - hasNoSideEffects: see ``hasNoSideEffects``.
    ///   - atOnce: runs on the loop without a task; it must not wait. Either it answers by ``CallContext/reply(_:)`` and
    ///     returns true, or it passes the request on to `async`.
    ///   - async: runs in a task on the loop.
    package static func unary<Request: Message, Response: Message>(
        _ path: StaticString, hasNoSideEffects: Bool = false,
        atOnce: @escaping @Sendable (Request, CallContext) throws -> Bool,
        async: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) -> RPCMethod {
        RPCMethod(
            path, isUnary: true, hasNoSideEffects: hasNoSideEffects,
            .one { context, bytes throws(Status) in
                let request: Request = try context.parse(bytes)
                do {
                    if try atOnce(request, context) { return }
                } catch {
                    return context.fail(Status(handlerError: error))
                }
                context.run {
                    do {
                        try context.reply(try await async(request, context))
                    } catch {
                        context.fail(Status(handlerError: error))
                    }
                    context.handlerReturned()
                }
            },
            takeHeavy: { context, message in
                context.run {
                    do {
                        let request: Request = try await context.decode(message)
                        if try !atOnce(request, context) { try context.reply(try await async(request, context)) }
                    } catch {
                        context.fail(Status(handlerError: error))
                    }
                    context.handlerReturned()
                }
            })
    }

    /// A call with one message in and many out.
    package static func serverStreaming<Request: Message, Response: Message>(
        _ path: StaticString,
        _ handler: @escaping @Sendable (Request, ResponseWriter<Response>, CallContext) async throws -> Void
    ) -> RPCMethod {
        RPCMethod(
            path,
            .one { context, bytes throws(Status) in
                let request: Request = try context.parse(bytes)
                context.runStream { try await handler(request, ResponseWriter(context: context), context) }
            },
            takeHeavy: { context, message in
                context.runStream {
                    let request: Request = try await context.decode(message)
                    try await handler(request, ResponseWriter(context: context), context)
                }
            })
    }

    /// A call with many messages in and one out.
    package static func clientStreaming<Request: Message, Response: Message>(
        _ path: StaticString,
        _ handler: @escaping @Sendable (RequestReader<Request>, CallContext) async throws -> Response
    ) -> RPCMethod {
        RPCMethod(
            path,
            .stream { context, queue in
                context.run {
                    do {
                        try context.reply(try await handler(RequestReader(queue: queue), context))
                    } catch {
                        context.fail(Status(handlerError: error))
                    }
                    context.handlerReturned()
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
            path,
            .stream { context, queue in
                context.runStream {
                    try await handler(RequestReader(queue: queue), ResponseWriter(context: context), context)
                }
            })
    }
}

extension CallContext {
    /// Runs the handler of a streaming answer and ends the call as it ended.
    fileprivate func runStream(_ handler: @escaping @Sendable () async throws -> Void) {
        run {
            do {
                try await handler()
                self.finishStream()
            } catch {
                self.fail(Status(handlerError: error))
            }
            self.handlerReturned()
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
        context.sendHeaders()
    }

    /// Sends a message, and waits while the peer takes less than is sent: before it, while too much waits for all streams of
    /// the connection, or of the loop; behind it, while too much waits for this one.
    ///
    /// - Parameter compressed: whether to compress it, if the caller can decode that and the header block has said so;
    ///   `nil` for what ``CallContext/compressesResponses`` says.
    /// - Throws: CANCELLED when the caller is gone, or the task is cancelled and would have to wait.
    package func send(_ message: Response, compressed: Bool? = nil) async throws(Status) {
        try await context.send(message, compressed: compressed ?? context.compressesResponses)
    }
}
