import Testing

@testable import CarillonGRPC
@testable import CarillonNet

/// What a request has in common with the one before is neither copied nor read again; it must come out the same.
@Suite struct RepeatedRequestTests {
    @Test(arguments: [UInt64(1), 2, 3])
    func requestsComeAsTheyWereSentWhateverTheyHaveInCommon(seed: UInt64) async {
        let loop = EventLoop(name: "requests")
        await loop.run {
            var random = Random(state: seed)
            let handler = Recorder()
            let pair = SessionPair(on: loop) { _ in handler }
            var fields = [(":method", "POST"), (":path", "/test.Echo/Inline"), ("content-type", "application/grpc")]
            for round in 0..<400 {
                Self.change(&fields, &random)
                _ = pair.send(fields)
                let sent = [(":scheme", "https"), (":authority", "localhost")] + fields
                #expect(handler.requests == round + 1)
                #expect(handler.fields.map(\.name) == sent.map(\.0))
                #expect(handler.fields.map(\.value) == sent.map(\.1))
            }
            #expect(handler.wronglySame == [])
            #expect(handler.wronglyRead == [])
            #expect(handler.repeated > 50, "requests that are alike are not seen to be")
        }
    }

    @Test func closedStreamsAreUsedAgain() async {
        let loop = EventLoop(name: "requests")
        await loop.run {
            let handler = Recorder()
            let pair = SessionPair(on: loop) { _ in handler }
            for _ in 0..<20 { _ = pair.send([(":method", "POST"), (":path", "/none")]) }
            #expect(handler.requests == 20)
            // The client's are from the same pool.
            #expect(handler.streams.count <= 2)
        }
    }

    /// What clients do from one call to the next: nothing new, another method, timeout or value, more or fewer fields, and
    /// now and then so much that it is not kept.
    private static func change(_ fields: inout [(String, String)], _ random: inout Random) {
        let last = fields.count - 1
        switch random.next() % 12 {
        case 0, 1: break
        case 2: fields[1].1 = ["/test.Echo/Inline", "/test.Echo/Async", "/none"][Int(random.next() % 3)]
        case 3: fields.append(("grpc-timeout", "\(random.next() % 99)S"))
        case 4: fields.append(("x-\(random.next() % 5)", "\(random.next() % 3)"))
        case 5 where last > 2: fields.removeLast()
        case 6 where last > 2: fields[last].1 = "\(random.next() % 3)"
        case 7: fields.append(("x-long", String(repeating: "y", count: 1 + Int(random.next() % 900))))
        case 8 where last > 4: fields.remove(at: 3 + Int(random.next() % UInt64(last - 2)))
        case 9: fields.append(("x-empty", ""))
        case 10: for place in 0..<Int(random.next() % 80) { fields.append(("x-many-\(place % 9)", "\(place)")) }
        case 11: fields.append(("x-octets-bin", ["AAAA", "%"][Int(random.next() % 2)]))
        default: break
        }
        // As it stands in nearly every request.
        fields[2].1 = random.next() % 10 == 0 ? "application/grpc+proto" : "application/grpc"
        // Most are of a size that is kept.
        if fields.map({ $0.0.utf8.count + $0.1.utf8.count + 32 }).reduce(0, +) > 4000 { fields = Array(fields[..<3]) }
    }
}

private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}

/// Keeps what the last request was, and whether what was said to be the same was.
private final class Recorder: HTTP2StreamHandler {
    private(set) var requests = 0
    private(set) var streams: Set<ObjectIdentifier> = []
    private(set) var repeated = 0
    private(set) var fields: [(name: String, value: String)] = []
    private(set) var wronglySame: [String] = []
    private(set) var wronglyRead: [String] = []
    private var reader = HeadReader()
    private let methods = MethodTable([
        .unary("/test.Echo/Inline", inline: { (message: Text, _) in message }, async: { message, _ in message }),
        .unary("/test.Echo/Async", inline: { (_: Text, _) -> Text? in nil }, async: { message, _ in message }),
    ])

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        let before = fields
        fields = []
        stream.received.visit { name, value in
            fields.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        requests += 1
        streams.insert(ObjectIdentifier(stream))
        if stream.changes.isNone { repeated += 1 }
        if stream.changes.hasSameNames {
            for (place, field) in fields.enumerated() where place >= 64 || !stream.changes.contains(place) {
                if before.count == fields.count, before[place] == field { continue }
                wronglySame.append("\(requests): \(field)")
            }
        }
        let (head, method) = reader.read(stream, methods)
        let whole = RequestHead(stream.received)
        if "\(head)" != "\(whole)" { wronglyRead.append("\(requests): \(head) is not \(whole)") }
        let path = fields.first { $0.name == ":path" }?.value
        let found = method.map { "\($0.path)" }
        if found != (path == "/none" ? nil : path) { wronglyRead.append("\(requests): \(path ?? "")") }
    }
    func streamReceivedTrailers(_ stream: HTTP2Stream) {}
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {}
    func streamReceivedEnd(_ stream: HTTP2Stream) {
        var block = HeaderBlock()
        block.append(":status", "200")
        stream.sendHeadersOnly(block)
    }
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {}
}
