import CarillonGRPC
import SwiftProtobuf

@testable import CarillonNet

typealias Text = Google_Protobuf_StringValue
typealias Number = Google_Protobuf_Int32Value

/// A server with one method of each kind, and a client for it, on loops of their own.
struct EchoServer: Sendable {
    let loops: [EventLoop]
    let clientLoop = EventLoop(name: "client")
    let server: RPCServer
    let client: RPCClient
    let events: Events

    /// Starts a server that waits five minutes for a handshake, and for a client to read, whatever the limits say: on a busy
    /// machine it may be slow, and nothing here is about that.
    static func start(loops count: Int = 1, limits: ServerLimits = .init()) async throws -> EchoServer {
        var limits = limits
        limits.http2.handshakeTime = .seconds(300)
        limits.http2.prefaceTime = .seconds(300)
        limits.http2.outputStall = .seconds(300)
        let files = TestCertificate.files
        let loops = (0..<count).map { EventLoop(name: "server-\($0)") }
        let events = Events()
        let server = try await RPCServer.start(
            on: loops, host: "127.0.0.1", port: 0,
            tls: try TLSContext(serverCertificateChain: files.certificate, privateKey: files.key),
            methods: methods(events) + rules(events), pages: pages(events), limits: limits,
            report: { event in events.record("\(event)") })
        return try EchoServer(loops: loops, server: server, events: events)
    }

    private init(loops: [EventLoop], server: RPCServer, events: Events) throws {
        self.loops = loops
        self.server = server
        self.events = events
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        client = RPCClient(loop: clientLoop, configuration: .init(host: "localhost", port: server.port, tls: tls))
    }

    /// A further client of the same server, with other trust or another name.
    func client(host: String = "localhost", trusting file: String?) throws -> RPCClient {
        RPCClient(
            loop: clientLoop,
            configuration: .init(host: host, port: server.port, tls: try TLSContext(trustedCertificates: file)))
    }

    /// Connects to the server and says the first octet of TLS and nothing more; the descriptor is the caller's.
    func connectAndStopShort() async throws -> CInt {
        let (loop, port) = (clientLoop, server.port)
        let address = try await loop.offload { try NetworkAddress.resolve(host: "127.0.0.1", port: port)[0] }
        return try await loop.run {
            var attempt: ConnectionAttempt?
            let result = await withCheckedContinuation { continuation in
                attempt = .begin(address, timeout: .seconds(300), on: loop) { continuation.resume(returning: $0) }
            }
            withExtendedLifetime(attempt) {}
            let descriptor = try result.get()
            Socket.sendSome(descriptor, [22])
            return descriptor
        }
    }

    func stop() async {
        await server.drain(grace: .seconds(5))
        await stopClients()
    }

    /// Stops what is left when the server has drained.
    func stopClients() async {
        await client.close()
        for loop in loops + [clientLoop] { await loop.shutDown() }
    }

    private static func pages(_ events: Events) -> [Page] {
        [
            Page("/livez") { .init(status: 200, text: "ok\n") },
            Page("/large", inline: { _ in PageAnswer(status: 200, text: String(repeating: "a", count: 20_000)) }),
            Page(
                "/form", methods: .post, bodyLimit: 8000,
                async: { PageAnswer(status: 200, text: "\($0.body.count)") }),
            Page(
                "/stubborn",
                async: { _ in
                    events.record("page began")
                    await events.first(containing: "let go")
                    return PageAnswer(status: 200, text: "done\n")
                }),
        ]
    }

    private static func methods(_ events: Events) -> [RPCMethod] {
        [
            .unary("/test.Echo/Inline", inline: { (text: Text, _) in text }, async: { text, _ in text }),
            .unary("/test.Echo/Async", inline: { (_: Text, _) -> Text? in nil }, async: { text, _ in text }),
            .unary(
                "/test.Echo/Fail", inline: { (_: Text, _) -> Text? in nil },
                async: { text, context -> Text in
                    context.addTrailer("x-hint", "later")
                    throw Status(.failedPrecondition, "no: \(text.value)", details: [1, 2, 3])
                }),
            .unary(
                "/test.Echo/Hang", inline: { (_: Text, _) -> Text? in nil },
                async: { text, context in
                    events.record("started")
                    do {
                        try await context.loop.sleep(for: .seconds(600))
                    } catch {
                        events.record("cancelled")
                        throw error
                    }
                    return text
                }),
            .serverStreaming("/test.Echo/Count") {
                (number: Number, writer: ResponseWriter<Number>, context) async throws in
                for value in 0..<number.value { try await writer.send(Number(value)) }
            },
            .clientStreaming("/test.Echo/Join") { (texts: RequestReader<Text>, _) async throws in
                var joined = ""
                for try await text in texts { joined += text.value }
                return Text(joined)
            },
            .bidirectionalStreaming("/test.Echo/Chat") {
                (texts: RequestReader<Text>, writer: ResponseWriter<Text>, _) async throws in
                for try await text in texts { try await writer.send(Text("re: \(text.value)")) }
            },
        ]
    }

    private static func explain(_ count: Number, _ context: CallContext) -> Status {
        context.addTrailer("x-fits", String(repeating: "a", count: 1500))
        context.addTrailer("x-too-much", String(repeating: "a", count: 1500))
        context.pushBack(.seconds(1))
        return Status(.notFound, "nothing", details: [UInt8](repeating: 1, count: Int(count.value)))
    }

    /// Methods that show one rule each.
    private static func rules(_ events: Events) -> [RPCMethod] {
        let gate = CallGate(limit: 1, pushback: .milliseconds(1500))
        return [
            .unary(
                "/test.Rules/Get", hasNoSideEffects: true, inline: { (text: Text, _) in text },
                async: { text, _ in text }),
            .unary(
                "/test.Rules/Metadata",
                inline: { (name: Text, context) in
                    let octets = context.metadata.octets("x-octets-bin")
                    for value in octets { context.addTrailer("x-octets-bin", octets: value) }
                    context.addLeading("x-attempts", "\(context.previousAttempts)")
                    for (name, value) in [
                        ("grpc-status", "1"), ("X-Capital", "a"), ("x-line", "a\r\nb"), (":status", "500"), ("te", "a"),
                    ] where context.addLeading(name, value) || context.addTrailer(name, value) {
                        throw Status(.internalError, "\(name) was taken")
                    }
                    context.addLeading("x-names", context.metadata.fields.map(\.name).joined(separator: " "))
                    return Text(context.metadata[name.value] ?? "none")
                }, async: { text, _ in text }),
            .unary(
                "/test.Rules/Squeeze", hasNoSideEffects: true,
                inline: { (text: Text, context) in
                    context.compressesResponses = true
                    context.addTrailer("x-came-compressed", "\(context.isRequestCompressed)")
                    return text
                }, async: { text, _ in text }),
            .bidirectionalStreaming("/test.Rules/SqueezeSome") {
                (texts: RequestReader<Text>, writer: ResponseWriter<Text>, context) async throws in
                context.compressesResponses = true
                var flags = ""
                for try await text in texts {
                    flags += context.isRequestCompressed ? "1" : "0"
                    try await writer.send(text, compressed: flags.utf8.count % 2 == 1)
                }
                context.addTrailer("x-flags", flags)
            },
            .serverStreaming("/test.Rules/FlushThenFail") {
                (_: Text, writer: ResponseWriter<Text>, context) async throws in
                context.addLeading("x-leading", "here")
                writer.sendHeaders()
                context.pushBack(.milliseconds(250))
                throw Status(.unavailable, "later")
            },
            .serverStreaming("/test.Rules/FailAtOnce") { (_: Text, _: ResponseWriter<Text>, context) async throws in
                context.addLeading("x-leading", "here")
                context.addTrailer("x-trailing", "there")
                context.pushBack(nil)
                throw Status(.notFound, "nothing", details: [8, 5])
            },
            .bidirectionalStreaming("/test.Rules/ReadOrLeave") {
                (texts: RequestReader<Text>, writer: ResponseWriter<Text>, context) async throws in
                await withTaskGroup { group in
                    group.addTask {
                        var iterator = texts.makeAsyncIterator()
                        _ = try? await iterator.next()
                    }
                    group.addTask { try? await context.loop.sleep(for: .milliseconds(20)) }
                    await group.next()
                    group.cancelAll()
                }
                events.record("nobody came")
                for try await text in texts { try await writer.send(text) }
            },
            .serverStreaming("/test.Rules/WriteOrLeave") {
                (_: Text, writer: ResponseWriter<Text>, context) async throws in
                await withTaskGroup { group in
                    group.addTask {
                        let text = Text(String(repeating: "a", count: 20_000))
                        do {
                            while true { try await writer.send(text) }
                        } catch {
                            events.record("no more: \(error)")
                        }
                    }
                    group.addTask { try? await context.loop.sleep(for: .milliseconds(20)) }
                    await group.next()
                    group.cancelAll()
                }
                events.record("nobody took")
                throw Status(.aborted, "the caller takes too little")
            },
            .serverStreaming("/test.Rules/Explain") { (count: Number, _: ResponseWriter<Text>, context) async throws in
                throw explain(count, context)
            },
            .serverStreaming("/test.Rules/ExplainLate") {
                (count: Number, writer: ResponseWriter<Text>, context) async throws in
                try await writer.send(Text("a"))
                throw explain(count, context)
            },
            .unary(
                "/test.Rules/Stubborn", inline: { (_: Text, _) -> Text? in nil },
                async: { text, context in
                    events.record("stubborn began")
                    await events.first(containing: "let go")
                    return text
                }),
            .unary(
                "/test.Rules/Gated", inline: { (_: Text, _) -> Text? in nil },
                async: { text, context in
                    try context.enter(gate)
                    events.record("entered")
                    try await context.loop.sleep(for: .seconds(600))
                    return text
                }),
            .unary(
                "/test.Rules/Odd", inline: { (_: Text, _) -> Text? in nil },
                async: { _, _ -> Text in throw CancellationError() }),
        ]
    }
}
