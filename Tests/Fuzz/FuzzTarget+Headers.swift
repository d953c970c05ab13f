@testable import CarillonGRPC
@testable import CarillonNet

extension FuzzTarget {
    /// Header blocks as they are read, and each small format of a field.
    static let headers = FuzzTarget(name: "headers", seeds: HeaderSeeds.all) { octets in
        var input = FuzzInput(octets)
        var block = HeaderBlock()
        while !input.rest.isEmpty, block.count < 64 {
            let selector = Int(input.octet())
            let name =
                selector < HeaderSeeds.names.count ? Array(HeaderSeeds.names[selector].utf8) : input.takeCounted()
            let value = input.takeCounted()
            name.withUnsafeBytes { name in value.withUnsafeBytes { block.append(name: name, value: $0) } }
            try value.withUnsafeBytes { try Self.checkValue($0) }
        }
        _ = RequestHead(block)
        let request = PageRequest(method: .get, path: "/", fields: block)
        _ = request.acceptsGzip
        _ = StaticFile(name: "a.txt", octets: [1]).answer(request)
        if case .page(_, let request) = table.decide(block) { _ = request.parameters["a"] }
    }

    private static let table = PageTable([Page("/") { PageAnswer(status: 200, text: "") }])

    private static func checkValue(_ value: UnsafeRawBufferPointer) throws {
        if let timeout = GRPCTimeout.parse(value) {
            let written = Array(GRPCTimeout.format(timeout).utf8)
            guard let again = written.withUnsafeBytes({ GRPCTimeout.parse($0) }) else {
                throw FuzzFinding("a timeout that was written cannot be read")
            }
            // What is longer than 292 years is written as that.
            try require(again >= min(timeout, .nanoseconds(Int64.max)), "a timeout became shorter")
        }
        if let timeout = ConnectTimeout.parse(value) { try require(timeout >= .zero, "a negative timeout") }
        let text = String(decoding: value, as: UTF8.self)
        let encoded = PercentEncoding.encode(text)
        try require(encoded.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "a message is not ASCII")
        let back = PercentEncoding.decode(encoded.utf8)
        // A long message is cut, between characters.
        let isCut =
            encoded.utf8.count > PercentEncoding.limit - 12 && text.unicodeScalars.starts(with: back.unicodeScalars)
        try require(Array(back.utf8) == Array(text.utf8) || isCut, "a message does not come back")
        _ = PercentEncoding.decode(value)
        if let decoded = PercentEncoding.decodeQuery(value) { try require(decoded.count <= value.count, "it grew") }
        try require(Base64.decode(Base64.encode(Array(value)).utf8) == Array(value), "base64 does not come back")
        for decoded in [Base64.decode(value), Base64.decodeURLSafe(value)] {
            try require((decoded ?? []).count <= value.count, "base64 grew")
        }
        _ = FormFields(Array(value))["a"]
    }
}

enum HeaderSeeds {
    static let names = [
        ":method", ":path", ":scheme", "content-type", "grpc-timeout", "grpc-encoding", "te", "accept-encoding",
        "content-encoding",
        "grpc-accept-encoding", "connect-timeout-ms", "connect-protocol-version", "connect-content-encoding",
        "connect-accept-encoding",
        "if-none-match", "a-bin", "user-agent",
    ]

    static let all: @Sendable () -> [[UInt8]] = {
        let fields = [
            (":method", "POST"), (":method", "GET"), (":path", "/?a=%20+b&a"),
            ("content-type", "application/grpc+proto; charset=utf-8"),
            ("content-type", "application/connect+json"), ("grpc-timeout", "100m"), ("grpc-timeout", "99999999H"),
            ("grpc-encoding", "gzip"),
            ("accept-encoding", "br;q=1.0, gzip;q=0.5"), ("connect-timeout-ms", "1000"),
            ("connect-protocol-version", "1"),
            ("if-none-match", "W/\"a\", *"), ("a-bin", "AAEC,Zg=="), ("te", "trailers"),
        ].map { name, value in
            [UInt8(names.firstIndex(of: name) ?? 0xff), UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return fields + [fields.flatMap { $0 }, [0xff, 1, 0x78, 1, 0x79]]
    }
}
