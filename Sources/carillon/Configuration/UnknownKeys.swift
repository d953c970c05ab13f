/// Finds the keys of a parsed JSON object that nobody reads: a misspelt key would otherwise be obeyed by nobody.
enum UnknownKeys {
    /// One sentence for each, in the order of the keys, with the known key that it may have been meant to be.
    static func of(_ object: Any?, known: [String]) -> [String] {
        leaves(of: object, below: "").sorted().filter { !known.contains($0) }.map { key in
            "unknown key \(key)" + (nearest(to: key, among: known).map { " (is \($0) meant?)" } ?? "")
        }
    }

    private static func leaves(of value: Any?, below path: String) -> [String] {
        guard let object = value as? [String: Any] else { return path.isEmpty ? [] : [path] }
        return object.flatMap { key, value in leaves(of: value, below: path.isEmpty ? key : "\(path).\(key)") }
    }

    /// The known key that fewest changed letters away, if it is close.
    static func nearest(to key: String, among known: [String]) -> String? {
        let distances = known.map { (key: $0, distance: distance($0, key)) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= 3 else { return nil }
        return best.key
    }

    /// Levenshtein's distance.
    private static func distance(_ first: String, _ second: String) -> Int {
        let second = Array(second)
        var row = Array(0...second.count)
        for (line, letter) in first.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in second.indices {
                let changed = diagonal + (letter == second[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[second.count]
    }
}
