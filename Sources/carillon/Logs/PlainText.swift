/// Text that is safe to show on one line of a terminal or a log.
enum PlainText {
    /// Replaces each run of what is not to be seen with one space: control characters, line separators, and the
    /// invisible characters that change the direction of what is shown.
    static func of(_ text: String) -> String {
        // Most text needs nothing.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
        var result = String.UnicodeScalarView()
        var isInRun = false
        for scalar in text.unicodeScalars {
            let isHidden =
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
                default: false
                }
            if !isHidden { result.append(scalar) } else if !isInRun { result.append(" ") }
            isInRun = isHidden
        }
        return String(result)
    }
}
