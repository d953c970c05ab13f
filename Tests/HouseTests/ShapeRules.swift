/// No file is longer than a reader can hold.
enum LengthRule {
    static let limit = 500

    static func violations(in file: RepositoryFile) -> [Violation] {
        let count = file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
        return count <= limit
            ? [] : [Violation(path: file.path, line: limit + 1, message: "\(count) lines, more than \(limit)")]
    }
}

/// Each target opens with an essay: what it owns, its states, what fails and then, what it must never do.
enum EssayRule {
    static func violations(target: String, files: [RepositoryFile]) -> [Violation] {
        if files.contains(where: { $0.path.hasSuffix("/module.modulemap") }) { return [] }
        let path = "Sources/\(target)/\(target).docc/\(target).md"
        guard let essay = files.first(where: { $0.path == path }) else {
            return [Violation(path: path, line: 1, message: "\(target) has no essay")]
        }
        var messages: [String] = []
        if essay.lines.first?.hasPrefix("# ") != true { messages.append("does not open with a heading") }
        if essay.text.utf8.count < 600 { messages.append("is too short to say what the target owns and how it fails") }
        if !essay.text.lowercased().contains("never") { messages.append("does not say what the target must never do") }
        return messages.map { Violation(path: path, line: 1, message: "the essay \($0)") }
    }
}
