internal import Configuration
internal import Foundation
internal import Logging

/// Reads settings from their places and gathers what is wrong with them, so that all of it is said at once.
struct SettingsReader {
    private let sources: [SettingSource]
    private(set) var mistakes: [String] = []

    /// Flags come before the environment, the environment before the file that one of the two names.
    init(flags: [SettingKey: String], environment: [String: String]) {
        var sources = [SettingSource.flags(flags), SettingSource.environment(environment)]
        if let path = try? sources.lazy.compactMap({ try $0.value(of: .config)?.text }).first {
            do throws(ConfigurationMistakes) {
                sources.append(try SettingSource.file(path))
            } catch {
                mistakes += error.messages
            }
        }
        self.sources = sources
    }

    /// Settings as they come, for commands that are tested with none.
    init(sources: [SettingSource]) {
        self.sources = sources
    }

    // MARK: Values

    /// A text, if anybody says one.
    mutating func text(_ key: SettingKey) -> String? { value(of: key)?.content.text }

    /// A text that must be there.
    mutating func requiredText(_ key: SettingKey) -> String? {
        let text = text(key)
        if text == nil { mistakes.append("\(key.rawValue) is missing: give --\(key.flag) or \(key.variable)") }
        return text
    }

    /// A whole number in a range.
    mutating func integer(_ key: SettingKey, in range: ClosedRange<Int>, default usual: Int) -> Int {
        guard let found = value(of: key), case .int(let number) = found.content else { return usual }
        if !range.contains(number) {
            mistakes.append(
                "\(found.source.name(of: key)) is \(number), not a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// A time in whole seconds; 0 for none.
    ///
    /// - Parameter range: what else it may be.
    mutating func seconds(_ key: SettingKey, _ range: ClosedRange<Int>, default usual: Int) -> Duration? {
        guard let found = value(of: key), case .int(let number) = found.content else {
            return usual == 0 ? nil : .seconds(usual)
        }
        if number != 0, !range.contains(number) {
            mistakes.append(
                "\(found.source.name(of: key)) is \(number), neither 0 nor a number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return number == 0 ? nil : .seconds(number)
    }

    /// Yes or no.
    mutating func toggle(_ key: SettingKey, default usual: Bool) -> Bool {
        guard let found = value(of: key), case .bool(let isOn) = found.content else { return usual }
        return isOn
    }

    /// A text in a form of its own, such as an address; one that is not in that form is a mistake.
    ///
    /// - Parameter form: how the mistake calls the form, such as "HOST:PORT".
    mutating func parsed<Value>(_ key: SettingKey, as form: String, _ parse: (String) -> Value?) -> Value? {
        guard let found = value(of: key), let text = found.content.text else { return nil }
        let value = parse(text)
        if value == nil {
            mistakes.append("\(found.source.name(of: key)) is \(Self.quoted(text)), not \(form)")
        }
        return value
    }

    /// A level of the log.
    mutating func logLevel() -> Logger.Level {
        let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        return parsed(.logLevel, as: "one of \(names)") { Logger.Level(rawValue: $0.lowercased()) } ?? .info
    }

    /// The text of a file that a setting names and that must be there, without white space around it.
    mutating func contents(_ key: SettingKey) -> (path: String, text: String)? {
        guard let path = requiredText(key) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            mistake(key, "cannot be read: \(path)")
            return nil
        }
        // Keys and certificates, the largest a system's whole bundle; what is larger was named by mistake.
        guard data.count <= 1024 * 1024, let text = String(data: data, encoding: .utf8) else {
            mistake(key, "is not a small text file: \(path)")
            return nil
        }
        return (path, text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// The path of a file that must be there.
    mutating func readableFile(_ key: SettingKey) -> String? {
        guard let path = requiredText(key) else { return nil }
        guard FileManager.default.isReadableFile(atPath: path) else {
            mistake(key, "cannot be read: \(path)")
            return nil
        }
        return path
    }

    // MARK: Mistakes

    /// Adds a mistake about a key, by the name it has where its value comes from.
    mutating func mistake(_ key: SettingKey, _ what: String) {
        let source = sources.first { (try? $0.value(of: key)) != nil }
        mistakes.append("\(source?.name(of: key) ?? key.rawValue) \(what)")
    }

    /// Ends the reading.
    ///
    /// - Throws: all mistakes, if there are any.
    func finish() throws(ConfigurationMistakes) {
        if !mistakes.isEmpty { throw ConfigurationMistakes(messages: mistakes) }
    }

    private mutating func value(of key: SettingKey) -> (source: SettingSource, content: ConfigContent)? {
        for source in sources {
            do {
                if let content = try source.value(of: key) { return (source, content) }
            } catch {
                let form =
                    switch key.kind {
                    case .text: "a text"
                    case .integer: "a whole number"
                    case .toggle: "true or false"
                    }
                mistakes.append("\(source.name(of: key)) is not \(form)")
                return nil
            }
        }
        return nil
    }

    /// What a user typed, on one line.
    private static func quoted(_ text: String) -> String {
        "\"\(String(PlainText.of(text).prefix(80)))\""
    }
}

extension ConfigContent {
    /// The text, if it is one.
    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}
