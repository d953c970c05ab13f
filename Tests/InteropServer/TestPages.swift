import CarillonGRPC

/// Pages of each kind, for browsers and curl.
enum TestPages {
    static let pages = [
        Page("/livez") { .init(status: 200, text: "ok\n") },
        Page("/files/plain.txt", StaticFile(name: "plain.txt", octets: Array(text.utf8))),
        Page("/files/hashed.0a1b2c3d.js", StaticFile(name: "hashed.0a1b2c3d.js", octets: Array(text.utf8))),
        Page("/files/noise.png", StaticFile(name: "noise.png", octets: noise)),
        Page("/form", methods: [.get, .post], bodyLimit: 1000, async: greet),
    ]

    private static let text = String(repeating: "carillon\n", count: 10_000)

    /// Octets that no compression makes smaller.
    private static let noise: [UInt8] = {
        var state: UInt32 = 1
        return (0..<100_000).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
    }()

    private static func greet(_ request: PageRequest) async throws -> PageAnswer {
        let fields = request.method == .post ? request.form : request.parameters
        guard let name = fields["name"] else { return PageAnswer(status: 400, text: "name yourself once\n") }
        return PageAnswer(status: 200, text: "hello \(name)\n")
    }
}
