/// Rows of text in aligned columns.
struct TextTable {
    private var rows: [[String]]

    /// A table with its headings.
    init(_ headings: String...) {
        rows = [headings]
    }

    /// Adds a row with a text for each column.
    mutating func add(_ row: [String]) {
        rows.append(row.map(PlainText.of))
    }

    /// The lines, with a rule under the headings.
    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var lines = rows.map { row in Self.line(row, widths) }
        lines.insert(widths.map { String(repeating: "─", count: $0) }.joined(separator: "  "), at: 1)
        return lines.joined(separator: "\n")
    }

    private static func line(_ row: [String], _ widths: [Int]) -> String {
        var line = ""
        for (column, text) in row.enumerated() {
            line += text
            // Nothing is filled up behind the last column.
            if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - text.count + 2) }
        }
        return line
    }
}
