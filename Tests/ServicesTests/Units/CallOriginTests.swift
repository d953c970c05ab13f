import Testing

@testable import Services

@Suite struct CallOriginTests {
    @Test(arguments: [
        (nil, "192.0.2.1"),
        ("", "192.0.2.1"),
        ("grpc-go/1.76.0", "192.0.2.1 grpc-go/1.76.0"),
        ("a\r\nb\u{7f}\u{1b}[31m\tc", "192.0.2.1 ab[31mc"),
        ("Zürich\u{202e}/1", "192.0.2.1 Zrich/1"),
        ("\u{202e}\n", "192.0.2.1"),
        (String(repeating: "ab", count: 1000), "192.0.2.1 " + String(repeating: "ab", count: 60)),
    ])
    func whatACallerSaysOfItselfIsShortAndPlain(_ userAgent: String?, _ origin: String) {
        #expect(CallOrigin.text(peer: "192.0.2.1", userAgent: userAgent) == origin)
    }
}
