/// Every declaration that another target can see says what it is, in a comment of three slashes above it.
enum DocumentationRule {
    private static let declaration = Pattern(
        #"^[ \t]*(?:@?[\w.]+(?:\([^)\n]*\))?[ \t]+)*?(?:package|public|open)[ \t]+((?:@?\w+(?:\(\w+\))?[ \t]+)*?)"#
            + #"(?:func|var|let|struct|class|enum|protocol|actor|typealias|init|subscript|associatedtype)\b"#)

    /// What the standard library's protocols ask for: it is documented there, and means the same everywhere.
    private static let witness = Pattern(
        #"\b(?:(?:let|var)[ ]+(?:rawValue|description|debugDescription|startIndex|endIndex)\b|init\(rawValue:"#
            + #"|func[ ]+(?:==|<|hash\(into|makeIterator\(|makeAsyncIterator\(|next\(|index\((?:after|before)))"#
            + #"|\btypealias[ ]+(?:Element|Index|Failure|RawValue)\b"#)

    static func violations(in file: RepositoryFile) -> [Violation] {
        let code = file.swift.code
        let lines = file.lines.map { $0.drop { $0 == " " || $0 == "\t" } }
        return declaration.matches(in: code).compactMap { match in
            let shown = String(lines[match.line - 1])
            // What overrides is documented where it was first declared.
            if shown.contains("override ") || !witness.matches(in: shown).isEmpty { return nil }
            if isDocumented(lines, line: match.line) { return nil }
            return Violation(path: file.path, line: match.line, message: "no documentation: \(shown.prefix(60))")
        }
    }

    /// Whether a documentation comment ends right above the line, attributes between them aside.
    private static func isDocumented(_ lines: [Substring], line: Int) -> Bool {
        var above = line - 2
        while above >= 0, lines[above].hasPrefix("@") { above -= 1 }
        return above >= 0 && lines[above].hasPrefix("///")
    }
}
