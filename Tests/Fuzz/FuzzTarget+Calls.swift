import SwiftProtobuf

@testable import CarillonGRPC
@testable import CarillonNet

extension FuzzTarget {
    /// Calls and pages in every dialect, asked by a proper HTTP/2 client with improper ideas of everything above: each must
    /// be answered, and nothing of it may stay behind.
    static let calls = FuzzTarget(name: "calls", seeds: CallSeeds.all) { octets in
        nonisolated(unsafe) var exchange: CallExchange?
        try FuzzLoop.run {
            let made = try CallExchange()
            exchange = made
            var input = FuzzInput(octets)
            for _ in 0..<6 where !input.rest.isEmpty { made.ask(&input) }
            made.pump()
        }
        // Handlers run in tasks of the loop between these visits.
        for _ in 0..<1000 {
            nonisolated(unsafe) var isDone = false
            try FuzzLoop.run {
                exchange?.pump()
                isDone = exchange?.isAnswered ?? true
            }
            if isDone { break }
        }
        try FuzzLoop.run { try exchange?.checkAnswers() }
        try FuzzLoop.run { exchange?.close() }
        for _ in 0..<1000 {
            nonisolated(unsafe) var isDone = false
            try FuzzLoop.run { isDone = exchange?.isQuiet ?? true }
            if isDone { break }
        }
        try FuzzLoop.run {
            try exchange?.checkQuiet()
            exchange = nil
        }
    }
}

/// A client and a server that speak through memory. Confined to the loop.
private final class CallExchange: HTTP2SessionOwner {
    private static let core = ServerCore(
        methods: methods, pages: pages,
        limits: {
            var limits = ServerLimits()
            limits.messageSize = 2000
            // The answers have to come at once.
            limits.lightMessage = .max
            limits.inflationPerTick = .max
            return limits
        }(), report: { _ in })
    /// Shared by all inputs, as reading trusted certificates for its TLS takes long; each leaves it as it found it.
    private static let part = Result {
        ServerLoop(loop: FuzzLoop.loop, core: core, tls: try TLSContext(trustedCertificates: nil), loops: 1)
    }
    private let part: ServerLoop
    private let connection: ConnectionState
    private let client: HTTP2Session
    private let server: HTTP2Session
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 1)
    private var answers: [FuzzedAnswer] = []

    init() throws {
        part = try Self.part.get()
        connection = ConnectionState(peer: "fuzzer", of: part)
        client = HTTP2Session(isServer: false, loop: FuzzLoop.loop, peer: "server", limits: .init())
        server = HTTP2Session(isServer: true, loop: FuzzLoop.loop, peer: "client", limits: .init())
        client.owner = self
        server.owner = self
        client.submitSettings()
        server.submitSettings()
    }

    deinit { buffer.deallocate() }

    private static let methods: [RPCMethod] = [
        .unary(
            "/a/Inline", hasNoSideEffects: true, inline: { (request: Google_Protobuf_Struct, _) in request },
            async: { request, _ in request }),
        .unary(
            "/a/Async", inline: { (_: Google_Protobuf_StringValue, _) -> Google_Protobuf_StringValue? in nil },
            async: { request, context in
                context.addTrailer("a", request.value)
                context.compressesResponses = true
                if request.value.isEmpty { throw Status(.notFound, "nothing", details: Array(request.value.utf8)) }
                return request
            }),
        .serverStreaming("/a/Count") {
            (request: Google_Protobuf_Int32Value, writer: ResponseWriter<Google_Protobuf_Int32Value>, _) async throws in
            for value in 0..<max(0, min(request.value, 5)) {
                try await writer.send(.init(value), compressed: value % 2 == 0)
            }
        },
        .clientStreaming("/a/Join") { (requests: RequestReader<Google_Protobuf_StringValue>, _) async throws in
            var joined = ""
            for try await request in requests { joined += request.value }
            return Google_Protobuf_StringValue(joined)
        },
        .bidirectionalStreaming("/a/Chat") {
            (
                requests: RequestReader<Google_Protobuf_StringValue>,
                writer: ResponseWriter<Google_Protobuf_StringValue>, _
            ) async throws in
            for try await request in requests { try await writer.send(request) }
        },
    ]

    private static let pages = [
        Page("/page", inline: { PageAnswer(status: 200, text: $0.parameters["a"] ?? "") }),
        Page(
            "/form", methods: [.get, .post], bodyLimit: 100,
            async: { PageAnswer(status: 200, text: $0.form["a"] ?? "") }),
    ]

    // MARK: Asking

    /// Makes one request as the input says.
    func ask(_ input: inout FuzzInput) {
        var block = HeaderBlock()
        block.append(":method", CallSeeds.methods[Int(input.octet()) % CallSeeds.methods.count])
        block.append(":scheme", "https")
        var path = CallSeeds.paths[Int(input.octet()) % CallSeeds.paths.count]
        let query = input.takeCounted()
        if !query.isEmpty { path += "?" + String(decoding: query.map { $0 & 0x7f }, as: UTF8.self) }
        block.append(":path", path)
        block.append(":authority", "a")
        let type = Int(input.octet())
        if type < CallSeeds.types.count { block.append("content-type", CallSeeds.types[type]) }
        for _ in 0..<(input.octet() & 3) {
            let name = HeaderSeeds.names[3 + Int(input.octet()) % (HeaderSeeds.names.count - 3)]
            block.append(name, String(decoding: input.takeCounted(), as: UTF8.self))
        }
        let ending = input.octet()
        let answer = FuzzedAnswer(mustCome: ending & 3 != 0)
        answer.stream = client.open(block, body: [], endsBody: false, handler: answer)
        answers.append(answer)
        pump()
        for _ in 0..<(ending >> 2 & 3) {
            let kind = input.octet()
            var part = input.takeCounted()
            if kind & 1 != 0 { part = (try? Gzip.compress(part)) ?? [] }
            if kind & 2 != 0 { part = MessagePrefix.prefixed(part, flags: kind >> 4 & 3) }
            answer.stream?.send(part)
            pump()
        }
        switch ending & 3 {
        case 0: answer.stream?.reset(.cancel)
        default: answer.stream?.end()
        }
    }

    /// Carries octets both ways until neither side has anything to say.
    func pump() {
        while carry(from: client, to: server) || carry(from: server, to: client) {}
    }

    private func carry(from sender: HTTP2Session, to receiver: HTTP2Session) -> Bool {
        let count = sender.gather(into: buffer, upTo: 32 * 1024)
        guard count > 0 else { return false }
        _ = receiver.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return true
    }

    // MARK: What must hold

    /// Whether every request that was not given up has its answer.
    var isAnswered: Bool { answers.allSatisfy { $0.isOver || !$0.mustCome } }

    func checkAnswers() throws {
        try require(isAnswered, "a request was never answered")
        for answer in answers where answer.mustCome { try require(answer.isSound, "an answer lacks its status") }
    }

    func close() {
        client.close()
        server.close()
    }

    /// Whether all handlers have returned.
    var isQuiet: Bool { part.running == 0 }

    func checkQuiet() throws {
        try require(isQuiet, "\(part.running) handlers still run")
        try require(part.heldInput == 0 && connection.heldInput == 0, "\(part.heldInput) octets of input are held")
        try require(connection.running == 0 && part.abandoned == 0, "\(connection.running) calls still count")
    }

    func sessionHasOutput(_ session: HTTP2Session) {}
    func session(_ session: HTTP2Session, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? {
        // As a server does, which has streams handled by those that handled earlier ones.
        connection.makeStream()
    }
    func sessionReceivedSettings(_ session: HTTP2Session) {}
    func sessionReceivedPong(_ session: HTTP2Session) {}
    func session(_ session: HTTP2Session, received goAway: HTTP2GoAway) {}
    func sessionClosedStream(_ session: HTTP2Session) {}
}

/// What came back on one stream.
private final class FuzzedAnswer: HTTP2StreamHandler {
    var stream: HTTP2Stream?
    let mustCome: Bool
    private var isReset = false
    private var status: String?
    private var grpcStatus: String?
    private var isGRPC = false
    private(set) var isOver = false

    init(mustCome: Bool) { self.mustCome = mustCome }

    /// Whether it says how the request ended: by its HTTP status and, for gRPC, by the status of the call.
    var isSound: Bool { isReset || (status != nil && (!isGRPC || status != "200" || grpcStatus != nil)) }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        status = stream.received[":status"]
        let type = stream.received["content-type"] ?? ""
        isGRPC = type.hasPrefix("application/grpc") && !type.hasPrefix("application/grpc-web")
        grpcStatus = stream.received["grpc-status"]
    }
    func streamReceivedTrailers(_ stream: HTTP2Stream) { grpcStatus = stream.received["grpc-status"] }
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) { stream.consume(bytes.count) }
    func streamReceivedEnd(_ stream: HTTP2Stream) { isOver = true }
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        isReset = code != .noError
        isOver = true
        self.stream = nil
    }
}

private enum CallSeeds {
    static let methods = ["POST", "GET", "HEAD", "PUT"]
    static let paths = [
        "/a/Inline", "/a/Async", "/a/Count", "/a/Join", "/a/Chat", "/page", "/form", "/a/Nothing", "/nothing/Inline",
        "a",
    ]
    static let types =
        CallContentType.allCases.map(\.name.description) + [
            "application/grpc+foo", "text/plain", "application/x-www-form-urlencoded", "application/grpc-web-text",
        ]

    static let all: @Sendable () -> [[UInt8]] = {
        let value: [UInt8] = [0x0a, 1, 0x78]
        let json = Array(#""x""#.utf8)
        var seeds: [[UInt8]] = []
        for path in UInt8(0)..<5 {
            for type in UInt8(0)..<10 {
                let body = type % 10 == 7 || type == 9 || type == 2 || type == 5 ? json : value
                let isBare = type == 6 || type == 7
                // One message, as it stands and compressed; then the same with two.
                for kind: UInt8 in isBare ? [0] : [2, 0x13] {
                    let part = [kind, UInt8(body.count)] + body
                    seeds.append([0, path, 0, type, 0, 0x05] + part)
                    seeds.append([0, path, 0, type, 1, 2, 4] + "gzip".utf8 + [0x0b] + part + part)
                }
            }
        }
        let query = Array("connect=v1&encoding=json&message=%7B%7D".utf8)
        seeds.append([1, 0, UInt8(query.count)] + query + [0xff, 0, 1])
        seeds.append([1, 5, 3] + "a=b".utf8 + [0xff, 0, 1])
        seeds.append([0, 6, 0, 12, 0, 5, 0, 3] + "a=b".utf8)
        seeds.append([2, 5, 0, 0xff, 0, 1, 3, 6, 0, 0xff, 0, 1])
        return seeds
    }
}
