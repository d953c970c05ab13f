/// A rule that is a list of patterns, each with what it says to who wrote a match.
struct PatternRule {
    /// What of a file the patterns are looked for in.
    enum Scope {
        case code, literals, everything
    }

    let scope: Scope
    let patterns: [(pattern: Pattern, message: String)]

    func violations(in file: RepositoryFile) -> [Violation] {
        switch scope {
        case .everything:
            find(in: file.text, path: file.path, firstLine: 1)
        case .code:
            find(in: file.swift.code, path: file.path, firstLine: 1)
        case .literals:
            file.swift.literals.flatMap { find(in: $0.text, path: file.path, firstLine: $0.line) }
        }
    }

    private func find(in text: String, path: String, firstLine: Int) -> [Violation] {
        patterns.flatMap { entry in
            entry.pattern.matches(in: text).map { match in
                Violation(path: path, line: firstLine + match.line - 1, message: entry.message)
            }
        }
    }
}

extension PatternRule {
    /// Below the executable everything runs on a loop: what wakes through another scheduler, blocks, or prints is out.
    static let offTheLoop = PatternRule(
        scope: .code,
        patterns: [
            (
                Pattern(#"(?<![.\w])(?<!-> )(?<!: )Task\s*(?:<[^>{]*>)?\s*\{"#),
                "a bare task leaves the loop: use loop.spawn"
            ),
            (Pattern(#"\bTask\s*\.\s*detached\b"#), "a detached task leaves the loop: use loop.spawn"),
            (Pattern(#"\bTask\s*(?:<[^>]*>)?\s*\.\s*sleep\b"#), "wakes through another scheduler: use loop.sleep"),
            (
                Pattern(#"(?<![.\w])(?<!func )(?:sleep|usleep|nanosleep)\s*\(|\bThread\s*\.\s*sleep\b"#),
                "blocks the loop"
            ),
            (Pattern(#"\bDispatch(?:Queue|Semaphore|Group|WorkItem|Source)\b"#), "another scheduler beside the loop"),
            (Pattern(#"(?<![.\w])(?<!func )(?:print|debugPrint|dump)\s*\("#), "printing belongs to the executable"),
        ])

    /// Words that mark unfinished work. They are put together here, or this file would break its own rule.
    static let unfinished = PatternRule(
        scope: .everything,
        patterns: [
            (Pattern(#"\b(?:TO"# + #"DO|FIX"# + #"ME|XX"# + #"X|HA"# + #"CK)\b"#), "marks unfinished work"),
            (
                Pattern(
                    #"(?i)\b(?:for"# + #" now|not"# + #" implemented|st"# + #"ub(?:bed)?|place"# + #"holders?)\b"#),
                "marks unfinished work"
            ),
        ])

    /// SQL is written in one room. Crude on purpose: capitals, and the words that begin a statement with its object.
    static let sql = PatternRule(
        scope: .literals,
        patterns: [
            (
                Pattern(
                    #"(?s)\b(?:SELECT\b[^;]*\bFROM|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE"#
                        + #"|(?:CREATE|ALTER|DROP)\s+(?:TABLE|SCHEMA|ROLE|INDEX|TYPE|FUNCTION|SEQUENCE)"#
                        + #"|GRANT\s+\S+|REVOKE\s+\S+)\b"#),
                "SQL stands in Storage only"
            )
        ])

    /// Paths that are true on one machine only.
    static let machinePaths = PatternRule(
        scope: .everything,
        patterns: [
            (Pattern(#"(?<![\w./-])/(?:work|root|home|Users|workspace)/[\w.]"#), "a path of one machine"),
            (Pattern(#"(?<![\w./-])/opt/(?:swift|wheels)"#), "a path of one machine"),
        ])
}
