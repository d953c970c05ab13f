internal import Mustache

/// The built-in layouts, parsed.
struct Layouts: Sendable {
    let text: MustacheTemplate
    let html: MustacheTemplate
    let digestText: MustacheTemplate
    let digestHTML: MustacheTemplate

    /// Parsed once, at the first use.
    static let builtIn: Layouts = {
        MustacheContentTypes.register(ScalarHTML(), named: ScalarHTML.name)
        do {
            return Layouts(
                text: try MustacheTemplate(string: TextLayout.source),
                html: try MustacheTemplate(string: HTMLLayout.source),
                digestText: try MustacheTemplate(string: DigestTextLayout.source),
                digestHTML: try MustacheTemplate(string: DigestHTMLLayout.source))
        } catch {
            preconditionFailure("a built-in layout cannot be parsed: \(error)")
        }
    }()
}

/// HTML escaping by Unicode scalars.
///
/// Mustache's own goes by characters, as people see them: a quotation mark with a combining mark behind it is another
/// character than a quotation mark, would pass, and would end the attribute it stands in.
struct ScalarHTML: MustacheContentType {
    static let name = "SCALAR_HTML"

    func escapeText(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
