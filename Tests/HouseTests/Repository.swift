import Foundation

/// The repository that these tests stand in, as files. They are read where they lie, so a rule sees what is about to
/// be committed, whether or not it is.
enum Repository {
    /// The folder of Package.swift.
    static let root: URL = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Folders that tools make; nothing in them is written by hand.
    private static let made: Set<String> = [".git", ".swiftpm", ".carillon", "__pycache__", ".pytest_cache"]

    /// Every text file, in the order of their paths; read and taken apart once for all rules.
    static let files: [RepositoryFile] = walk(root).compactMap(RepositoryFile.init(at:)).sorted { $0.path < $1.path }

    /// Those of the files that are below a folder.
    static func files(below folder: String) -> [RepositoryFile] {
        files.filter { $0.path.hasPrefix(folder + "/") }
    }

    /// The names of the targets that have a folder below Sources.
    static func sourceTargets() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// The Swift files of a target that people write; generated ones are left out.
    static func handWrittenFiles(of target: String) -> [RepositoryFile] {
        files(below: "Sources/\(target)").filter { $0.isSwift && !$0.isGenerated }
    }

    private static func walk(_ folder: URL) -> [URL] {
        let entries = try? FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: [.isDirectoryKey])
        return (entries ?? []).flatMap { entry -> [URL] in
            let name = entry.lastPathComponent
            if made.contains(name) || name.hasPrefix(".build") || name.hasPrefix(".venv") { return [] }
            let isFolder = (try? entry.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory ?? false
            return isFolder ? walk(entry) : [entry]
        }
    }
}

/// One text file with its path from the root of the repository.
struct RepositoryFile {
    let path: String
    let text: String
    /// What a Swift file is made of; empty for all others, and for generated code, which no rule reads.
    let swift: SwiftText

    init(path: String, text: String) {
        self.path = path
        self.text = text
        swift = SwiftText(path.hasSuffix(".swift") && !path.contains(Self.generated) ? text : "")
    }

    /// Nil for what is not UTF-8 text.
    init?(at url: URL) {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
        let prefix = Repository.root.path + "/"
        let full = url.resolvingSymlinksInPath().path
        self.init(path: full.hasPrefix(prefix) ? String(full.dropFirst(prefix.count)) : full, text: text)
    }

    private static let generated = "/Generated/"

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isGenerated: Bool { path.contains(Self.generated) }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

/// A place where a rule of the house is broken.
struct Violation: CustomStringConvertible, Hashable {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// A regular expression that is looked for line by line.
struct Pattern {
    private let expression: NSRegularExpression

    /// Traps on a malformed expression: all of them stand in this target.
    init(_ text: String) {
        do {
            expression = try NSRegularExpression(pattern: text, options: .anchorsMatchLines)
        } catch {
            preconditionFailure("not a regular expression: \(text)")
        }
    }

    /// The matches in a text, each with the number of its first line and its groups (the whole match is the first).
    func matches(in text: String) -> [(line: Int, groups: [String?])] {
        let whole = NSString(string: text)
        var line = 1
        var position = 0
        return expression.matches(in: text, range: NSRange(location: 0, length: whole.length)).map { match in
            while position < match.range.location {
                if whole.character(at: position) == 10 { line += 1 }
                position += 1
            }
            let groups = (0..<match.numberOfRanges).map { index -> String? in
                let range = match.range(at: index)
                return range.location == NSNotFound ? nil : whole.substring(with: range)
            }
            return (line, groups)
        }
    }
}
