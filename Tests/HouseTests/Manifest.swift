import Foundation

/// Package.swift, as the package manager itself understands it.
struct Manifest: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        let dependencies: [String]
        let settings: Set<String>

        private enum CodingKeys: CodingKey {
            case name, type, dependencies, settings
        }

        init(name: String, type: String, dependencies: [String], settings: Set<String>) {
            self.name = name
            self.type = type
            self.dependencies = dependencies
            self.settings = settings
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            type = try container.decode(String.self, forKey: .type)
            // {"byName": ["X", null]}, {"target": ["X", null]} or {"product": ["X", "package", null, null]}
            dependencies = try container.decode([[String: [OneOf]]].self, forKey: .dependencies)
                .flatMap(\.values).compactMap { $0.first?.text }
            // {"kind": {"enableUpcomingFeature": {"_0": "ExistentialAny"}}, "tool": "swift"}
            settings = Set(
                try container.decode([Setting].self, forKey: .settings).flatMap { setting in
                    setting.kind.map { name, arguments in
                        arguments.isEmpty
                            ? name : "\(name) \(arguments.values.compactMap(\.text).joined(separator: " "))"
                    }
                })
        }
    }

    private struct Setting: Decodable {
        let kind: [String: [String: OneOf]]
    }

    /// A text, or anything else, which is passed over.
    private struct OneOf: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    let targets: [Target]

    /// Asks `swift package dump-package`, with a build folder of its own: the one of this run is locked.
    static func ofRepository() throws -> Manifest {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "carillon-manifest-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let output = try Tool.run([
            "swift", "package", "--package-path", Repository.root.path, "--scratch-path", scratch.path, "dump-package",
        ])
        guard output.status == 0 else { throw ToolFailure(output: output.text) }
        return try JSONDecoder().decode(Manifest.self, from: Data(output.text.utf8))
    }
}
