/// A target imports only what its room in the ``House`` may know.
enum ImportRule {
    private static let pattern = Pattern(
        #"^[ \t]*(?:(?:@[A-Za-z_]+(?:\([^)]*\))?|public|package|internal|fileprivate|private|@testable)[ \t]+)*import[ \t]+"#
            + #"(?:(?:struct|class|enum|protocol|func|var|let|typealias)[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)"#)

    static func violations(in file: RepositoryFile, of target: String) -> [Violation] {
        guard let room = House.rooms[target] else {
            return [Violation(path: file.path, line: 1, message: "the target \(target) has no room in the house")]
        }
        let allowed = room.ours.union(room.others).union(["Swift", "Synchronization"])
        return pattern.matches(in: file.swift.code).compactMap { match in
            guard let module = match.groups[1], !allowed.contains(module) else { return nil }
            return Violation(path: file.path, line: match.line, message: "\(target) must not import \(module)")
        }
    }
}
