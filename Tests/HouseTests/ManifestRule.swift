/// Every target is compiled under the same strict settings, and depends only on what its room may know.
enum ManifestRule {
    static let settings: Set<String> = [
        "swiftLanguageMode 6", "treatAllWarnings error", "enableUpcomingFeature ExistentialAny",
        "enableUpcomingFeature InternalImportsByDefault", "enableUpcomingFeature MemberImportVisibility",
        "enableUpcomingFeature NonisolatedNonsendingByDefault",
    ]

    static func violations(in manifest: Manifest) -> [Violation] {
        let names = Set(manifest.targets.map(\.name))
        return manifest.targets.flatMap { target -> [Violation] in
            if target.type == "system" || target.type == "plugin" { return [] }
            var messages = settings.subtracting(target.settings).sorted().map { "lacks the setting \($0)" }
            if House.safeRooms.contains(target.name), !target.settings.contains("strictMemorySafety") {
                messages.append("lacks the setting strictMemorySafety")
            }
            if target.type != "test", !House.outsideTheHouse.contains(target.name) {
                if let room = House.rooms[target.name] {
                    messages += target.dependencies.filter { names.contains($0) && !room.ours.contains($0) }
                        .map { "must not depend on \($0)" }
                } else {
                    messages.append("has no room in the house")
                }
            }
            return messages.map { Violation(path: "Package.swift", line: 1, message: "\(target.name) \($0)") }
        }
    }
}
