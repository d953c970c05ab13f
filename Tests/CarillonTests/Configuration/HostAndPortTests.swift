import Testing

@testable import carillon

@Suite("Addresses")
struct HostAndPortTests {
    @Test(
        "are read",
        arguments: [
            ("127.0.0.1:8443", "127.0.0.1", 8443), (":0", "", 0), ("[::1]:443", "::1", 443),
            ("portal.example.com:65535", "portal.example.com", 65535), ("0.0.0.0:1", "0.0.0.0", 1),
        ] as [(String, String, UInt16)])
    func good(text: String, host: String, port: UInt16) throws {
        let address = try #require(HostAndPort(text))
        #expect(address == HostAndPort(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(
        "or refused",
        arguments: [
            "", "8443", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:+1", "localhost:8 443",
            "::1:443", "[localhost]:443", "[::1]", "https://localhost:443", "local host:443", "a@b:1", "localhost:٣",
        ])
    func bad(text: String) {
        #expect(HostAndPort(text) == nil)
    }

    @Test(
        "of all interfaces are called on the loopback one",
        arguments: [(":1", "127.0.0.1:1"), ("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("b:1", "b:1")])
    func called(text: String, expected: String) throws {
        #expect(try #require(HostAndPort(text)).called.description == expected)
    }
}
