internal import Foundation
internal import Logging

/// One event of the log as one line of JSON.
///
/// `{"time":"2026-11-21T20:40:07.123Z","level":"info","message":"listening","host":"127.0.0.1","port":8443}`
struct LogLine {
    private(set) var text: String

    /// The longest text that is shown of one value; a log is no place for documents.
    static let valueLimit = 2000
    /// How deep lists and objects are followed.
    private static let depthLimit = 4

    /// Makes the line, with its line feed.
    init(time: Date, level: Logger.Level, message: String, metadata: Logger.Metadata) {
        text = "{"
        append("time", .string(time.formatted(Self.timeFormat)))
        append("level", .string(level.rawValue))
        append("message", .string(message))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            // The line's own keys stay what they are.
            append(["time", "level", "message"].contains(key) ? "\(key)_" : key, value)
        }
        text += "}\n"
    }

    private static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    private mutating func append(_ key: String, _ value: Logger.MetadataValue) {
        if text.utf8.count > 1 { text += "," }
        appendText(key)
        text += ":"
        append(value, depth: 0)
    }

    private mutating func append(_ value: Logger.MetadataValue, depth: Int) {
        switch value {
        case .string(let string): appendText(string)
        case .stringConvertible(let number as any BinaryInteger): text += "\(number)"
        case .stringConvertible(let flag as Bool): text += flag ? "true" : "false"
        case .stringConvertible(let value): appendText(value.description)
        case .array, .dictionary: depth < Self.depthLimit ? appendNested(value, depth: depth + 1) : appendText("…")
        }
    }

    private mutating func appendNested(_ value: Logger.MetadataValue, depth: Int) {
        switch value {
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                append(value, depth: depth)
            }
            text += "]"
        case .dictionary(let values):
            text += "{"
            for (index, entry) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { text += "," }
                appendText(entry.key)
                text += ":"
                append(entry.value, depth: depth)
            }
            text += "}"
        default: append(value, depth: depth)
        }
    }

    /// A JSON string (RFC 8259 §7). Control characters are gone by then, so two characters are left to escape.
    private mutating func appendText(_ value: String) {
        text += "\""
        for scalar in PlainText.of(String(value.prefix(Self.valueLimit))).unicodeScalars {
            if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
            text.unicodeScalars.append(scalar)
        }
        text += "\""
    }
}
