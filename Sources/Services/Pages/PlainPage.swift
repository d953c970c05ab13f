internal import CarillonGRPC

/// A page with a heading, a text and perhaps a button, for people who come by a link in a message. It loads nothing and runs nothing.
enum PlainPage {
    /// How long what a page does may take.
    static let patience = Duration.seconds(20)

    /// The page.
    ///
    /// - Parameters:
    ///   - status: the HTTP status.
    ///   - title: the heading.
    ///   - text: what is to be said.
    ///   - button: the words of a button that sends the page's own address, and with it the token, by POST; nil for none.
    static func answer(_ status: Int, _ title: String, _ text: String, button: String? = nil) -> PageAnswer {
        let form = button.map {
            "<form method=\"post\"><button type=\"submit\">\(escaped($0))</button></form>"
        }
        let html = """
            <!DOCTYPE html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex"><title>\(escaped(title))</title></head>
            <body><main><h1>\(escaped(title))</h1><p>\(escaped(text))</p>\(form ?? "")</main></body>
            </html>

            """
        return PageAnswer(status: status, html: html)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.append(character)
            }
        }
    }
}
