internal import Configuration
internal import Foundation

/// One place where settings come from.
struct SettingSource: Sendable {
    /// What kind of place it is.
    enum Place: Sendable {
        case flags
        case environment
        case file(String)
    }

    /// Which place it is.
    let place: Place
    private let lookUp: @Sendable (AbsoluteConfigKey, ConfigType) throws -> ConfigContent?

    /// What the user calls a key of this place.
    func name(of key: SettingKey) -> String {
        switch place {
        case .flags: "--\(key.flag)"
        case .environment: key.variable
        case .file(let path): "\(key.rawValue) in \(path)"
        }
    }

    /// The value of a key, if this place has one; an empty text counts as none.
    ///
    /// - Throws: whatever the provider throws when the value is not of the key's kind.
    func value(of key: SettingKey) throws -> ConfigContent? {
        let content = try lookUp(AbsoluteConfigKey(key.components), ConfigType(key.kind))
        return content == .string("") ? nil : content
    }

    /// What stood on the command line.
    static func flags(_ values: [SettingKey: String]) -> SettingSource {
        var contents: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in values {
            // What cannot be read as the key's kind stays a text, which the look-up then refuses.
            let content: ConfigContent =
                switch key.kind {
                case .text: .string(value)
                case .integer: Int(value).map { .int($0) } ?? .string(value)
                case .toggle: Bool(value.lowercased()).map { .bool($0) } ?? .string(value)
                }
            contents[AbsoluteConfigKey(key.components)] = ConfigValue(content, isSecret: key.isSecret)
        }
        let provider = InMemoryProvider(name: "flags", values: contents)
        return SettingSource(place: .flags) { try provider.value(forKey: $0, type: $1).value?.content }
    }

    /// Variables that begin with `CARILLON_`. Empty ones count as not set: templates leave them behind.
    static func environment(_ variables: [String: String]) -> SettingSource {
        let provider = EnvironmentVariablesProvider(environmentVariables: variables.filter { !$0.value.isEmpty })
            .prefixKeys(with: "carillon")
        return SettingSource(place: .environment) { try provider.value(forKey: $0, type: $1).value?.content }
    }

    /// A JSON file.
    ///
    /// - Throws: ``ConfigurationMistakes`` when the file cannot be read or holds keys that nobody knows.
    static func file(_ path: String) throws(ConfigurationMistakes) -> SettingSource {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationMistakes(messages: ["\(path): cannot be read"])
        }
        let snapshot: JSONSnapshot
        do {
            snapshot = try JSONSnapshot(data: data.bytes, providerName: path, parsingOptions: .default)
        } catch {
            throw ConfigurationMistakes(messages: ["\(path): is not a JSON object of texts, numbers and booleans"])
        }
        let object = try? JSONSerialization.jsonObject(with: data)
        let unknown = UnknownKeys.of(object, known: SettingKey.allCases.filter(\.isInFile).map(\.rawValue))
        guard unknown.isEmpty else {
            throw ConfigurationMistakes(messages: unknown.map { "\(path): \($0)" })
        }
        return SettingSource(place: .file(path)) { try snapshot.value(forKey: $0, type: $1).value?.content }
    }

    private init(place: Place, lookUp: @escaping @Sendable (AbsoluteConfigKey, ConfigType) throws -> ConfigContent?) {
        self.place = place
        self.lookUp = lookUp
    }
}

extension ConfigType {
    /// What the providers call a kind.
    init(_ kind: SettingKey.Kind) {
        self =
            switch kind {
            case .text: .string
            case .integer: .int
            case .toggle: .bool
            }
    }
}
