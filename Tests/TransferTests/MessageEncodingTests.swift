import Testing

@testable import Transfer

@Suite("The transmitted form of a message")
struct MessageEncodingTests {
    @Test(
        "has CRLF line ends, doubled leading dots and its end",
        arguments: [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a\nb\rc\r\n", "a\r\nb\r\nc\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a\r\n.b\r\n..c\r\n", "a\r\n..b\r\n...c\r\n.\r\n"),
            ("\r\r\n\n", "\r\n\r\n\r\n.\r\n"),
            ("a.b\r\nc.\r\n", "a.b\r\nc.\r\n.\r\n"),
            // Every way to write an end that some server would take for one.
            ("a\n.\nMAIL FROM:<x@y>\n", "a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
            ("a\r.\rMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
            ("a\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
            ("a\r\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
        ])
    func forms(message: String, wire: String) {
        #expect(String(decoding: MessageEncoding.transmitted(Array(message.utf8)), as: UTF8.self) == wire)
    }

    @Test("ends once, at its end, whatever the message is made of")
    func property() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("\r\n.a".utf8)
        for _ in 0..<2000 {
            let message = (0..<Int.random(in: 0...24, using: &generator)).map { _ in alphabet.randomElement()! }
            let wire = [UInt8]("\r\n".utf8) + MessageEncoding.transmitted(message)
            let ends = (0..<wire.count).filter { wire[$0...].starts(with: "\r\n.\r\n".utf8) }
            #expect(ends == [wire.count - 5], "message \(message)")
            for index in wire.indices.dropLast() where wire[index] == 13 { #expect(wire[index + 1] == 10) }
            for index in wire.indices.dropFirst() where wire[index] == 10 { #expect(wire[index - 1] == 13) }
        }
    }
}
