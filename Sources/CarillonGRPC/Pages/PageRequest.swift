internal import CarillonNet

/// A request for a page, complete with its body.
package struct PageRequest: Sendable {
    /// GET, which HEAD is as well for a handler, or POST.
    package enum Method: Sendable {
        case get
        case post
    }
    /// The method.
    package let method: Method
    /// The path, without the query.
    package let path: String
    /// What follows the first `?` of the address, as it came; empty without one. It never goes into a log: it may hold
    /// tokens.
    package let query: [UInt8]
    /// The body; empty for GET.
    package var body: [UInt8]
    private let fields: HeaderBlock

    init(method: Method, path: String, query: [UInt8] = [], body: [UInt8] = [], fields: HeaderBlock = HeaderBlock()) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.fields = fields
    }

    /// The first value of a request header field, such as `accept-language`. Names are lower-case.
    package subscript(header name: StaticString) -> String? { fields[name] }

    /// The parameters of the query.
    package var parameters: FormFields { FormFields(query) }

    /// The fields of a body of the type `application/x-www-form-urlencoded`.
    package var form: FormFields { FormFields(body) }

    /// Whether the caller can decode gzip (RFC 9110 §12.5.3).
    var acceptsGzip: Bool {
        var accepts = false
        fields.visit { name, value in
            if name.matches("accept-encoding"), let answer = AcceptedEncodings.gzip(in: value) { accepts = answer }
        }
        return accepts
    }
}

/// The fields of a query or of a form's body (https://url.spec.whatwg.org/#urlencoded-parsing).
package struct FormFields: Sendable {
    private let octets: [UInt8]

    init(_ octets: [UInt8]) {
        self.octets = octets
    }

    /// The value of a field; `nil` when it is not there, comes more than once, or is no UTF-8 behind its escapes: what is
    /// ambiguous must not mean one thing here and another elsewhere.
    package subscript(name: String) -> String? {
        var found: [UInt8]?
        for field in octets.split(separator: UInt8(ascii: "&")) {
            let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard PercentEncoding.decodeQuery(parts[0])?.elementsEqual(name.utf8) == true else { continue }
            guard found == nil, let value = PercentEncoding.decodeQuery(parts.count > 1 ? parts[1] : []) else {
                return nil
            }
            found = value
        }
        return found.flatMap { String(validating: $0, as: UTF8.self) }
    }
}
