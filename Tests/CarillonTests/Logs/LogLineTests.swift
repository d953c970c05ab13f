import Foundation
import Logging
import Synchronization
import Testing

@testable import carillon

@Suite("Lines of the log")
struct LogLineTests {
    private static let time = Date(timeIntervalSince1970: 1_795_293_607.125)

    private static func line(_ message: String, _ metadata: Logger.Metadata = [:]) -> String {
        LogLine(time: time, level: .info, message: message, metadata: metadata).text
    }

    @Test("An event is one object on one line")
    func shape() {
        #expect(
            Self.line("listening", ["port": .stringConvertible(8443), "host": "127.0.0.1"])
                == #"{"time":"2026-11-21T20:40:07.125Z","level":"info","message":"listening","#
                + #""host":"127.0.0.1","port":8443}"# + "\n")
    }

    @Test(
        "What could end the line, the string or the terminal's temper is gone",
        arguments: [
            ("a\nb\r\nc", "a b c"), ("tab\there", "tab here"), ("\u{1b}[31mred", " [31mred"), ("nul\0", "nul "),
            ("\u{202e}abc", " abc"), ("a\u{2028}b", "a b"), ("\u{85}x", " x"), ("quote\"d", "quote\"d"),
            ("back\\slash", "back\\slash"), ("Grüße, 世界", "Grüße, 世界"), ("\u{7f}", " "),
        ])
    func escaping(text: String, expected: String) throws {
        for line in [Self.line(text), Self.line("x", ["key": "\(text)"]), Self.line("x", [text: "value"])] {
            #expect(line.filter(\.isNewline) == "\n")
            #expect(line.unicodeScalars.dropLast().allSatisfy { $0.properties.generalCategory != .control })
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let texts = Array(object.keys) + object.values.compactMap { $0 as? String }
            #expect(texts.contains(expected), "\(line)")
        }
    }

    @Test("Values keep their kind, and the line its own keys")
    func kinds() throws {
        let line = Self.line(
            "x",
            [
                "count": .stringConvertible(3), "isOn": .stringConvertible(true), "list": ["a", "b"],
                "map": ["k": "v"], "level": "mine", "text": .stringConvertible(Duration.seconds(1)),
            ])
        #expect(
            line.hasSuffix(
                #""count":3,"isOn":true,"level_":"mine","list":["a","b"],"map":{"k":"v"},"text":"1.0 seconds"}"# + "\n")
        )
    }

    @Test("A value is cut before it fills the disk, and depth has an end")
    func bounds() {
        #expect(Self.line(String(repeating: "x", count: 100_000)).utf8.count < 2200)
        var nested: Logger.MetadataValue = "bottom"
        for _ in 0..<50 { nested = .array([nested]) }
        #expect(Self.line("x", ["nested": nested]).contains("…"))
    }

    @Test("The handler adds what it knows, passes over what is too quiet, and writes once for each event")
    func handler() {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { _ in
            LineLogHandler(level: .notice, clock: { Self.time }) { line in lines.withLock { $0.append(line) } }
        }
        logger[metadataKey: "process"] = "7"
        logger.info("too quiet")
        logger.warning("heard", metadata: ["tenant": "northwind"])
        #expect(
            lines.withLock { $0 } == [
                #"{"time":"2026-11-21T20:40:07.125Z","level":"warning","message":"heard","#
                    + #""process":"7","tenant":"northwind"}"# + "\n"
            ])
    }
}
