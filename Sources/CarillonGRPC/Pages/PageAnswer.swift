internal import CarillonNet

/// What a page answers. Header fields that keep browsers safe are added to every answer; a field of the same name that the
/// page sets takes their place.
package struct PageAnswer: Sendable {
    /// The HTTP status code.
    package var status: Int
    /// The value of `content-type`.
    package var contentType: String
    /// The body.
    package var body: [UInt8]
    /// Further header fields, or others than usual. Names are lower-case; a field with octets that a header field cannot
    /// carry is not sent.
    package var fields: [(name: String, value: String)]

    /// Makes an answer of octets.
    package init(
        status: Int = 200, contentType: String, body: [UInt8], fields: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.fields = fields
    }

    /// Makes an answer of plain text.
    package init(status: Int, text: String, fields: [(name: String, value: String)] = []) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8), fields: fields)
    }

    /// Makes an answer of HTML.
    package init(status: Int = 200, html: String, fields: [(name: String, value: String)] = []) {
        self.init(status: status, contentType: "text/html; charset=utf-8", body: Array(html.utf8), fields: fields)
    }

    /// Sends the browser elsewhere by GET (303).
    package static func seeOther(_ address: String) -> PageAnswer {
        PageAnswer(status: 303, text: "see \(address)\n", fields: [("location", address)])
    }

    // MARK: Header fields

    /// What every answer carries unless the page says otherwise: nothing is kept, guessed, framed or loaded from elsewhere,
    /// no address leaks, and browsers come back by TLS only.
    static let usualFields: [(name: String, value: String)] = [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
        ),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
    ]

    /// Whether the status says that there is no body at all (RFC 9110 §15.3.5, §15.4.5).
    var hasBody: Bool { status != 204 && status != 304 }

    /// The header block.
    var block: HeaderBlock {
        var block = HeaderBlock()
        block.append(":status", String(status))
        if hasBody {
            block.append("content-type", contentType)
            block.append("content-length", String(body.count))
        }
        for field in Self.usualFields where !fields.contains(where: { $0.name == field.name }) {
            block.append(field.name, field.value)
        }
        for field in fields where Self.canCarry(field.name, field.value) { block.append(field.name, field.value) }
        return block
    }

    /// Sends it as the whole answer.
    ///
    /// - Parameter isHead: whether the request was HEAD: its answer has the header block of the answer to GET, and no body
    ///   (RFC 9110 §9.3.2).
    func send(on stream: HTTP2Stream, isHead: Bool) {
        guard hasBody, !isHead, !body.isEmpty else { return stream.sendHeadersOnly(block) }
        stream.sendHeaders(block)
        stream.send(body)
        stream.end()
    }

    /// Whether name and value keep within their line, should a proxy write them in HTTP/1.1 (RFC 9110 §5.1, §5.5).
    private static func canCarry(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }
}
