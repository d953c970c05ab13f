/// A header field. Names are compared without regard to case; those of replies are lower case.
package struct HTTPField: Sendable, Hashable {
    /// The field's name.
    package let name: String
    /// The field's value without surrounding blanks.
    package let value: String

    /// Makes a field. It is checked when it is sent: see ``TransferError/Code/invalidRequest``.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// A token as name, and a value without line breaks or other controls (RFC 9110 §5).
    var isValid: Bool {
        let isToken = { (byte: UInt8) -> Bool in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
        return !name.isEmpty && name.utf8.allSatisfy(isToken)
            && value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
    }
}

/// One HTTP request. Redirects are not followed, compressed answers are not asked for, and no request is sent twice.
package struct HTTPTransfer: Sendable {
    /// The methods there are.
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// What is asked.
    package let method: Method
    /// Absolute https URL without user or password; http only with ``allowsPlaintext``.
    package let url: String
    /// Header fields besides those that libcurl makes (Host, Content-Length).
    package let headers: [HTTPField]
    /// The body of a POST.
    package let body: [UInt8]
    /// PEM certificates that are trusted instead of the system's; `nil` trusts the system's.
    package let trustedCertificates: String?
    /// Which addresses may be connected to.
    package let addresses: AddressPolicy
    /// Whether http is allowed as well.
    package let allowsPlaintext: Bool
    /// How many bytes of the answer's body are kept; what is longer is cut off and not read.
    package let bodyLimit: Int
    /// How long it may take.
    package let timeouts: TransferTimeouts

    /// Makes a request.
    package init(
        _ method: Method, _ url: String, headers: [HTTPField] = [], body: [UInt8] = [],
        trustedCertificates: String? = nil, addresses: AddressPolicy = .publicInternet, allowsPlaintext: Bool = false,
        bodyLimit: Int = 64 << 10, timeouts: TransferTimeouts = TransferTimeouts()
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.trustedCertificates = trustedCertificates
        self.addresses = addresses
        self.allowsPlaintext = allowsPlaintext
        self.bodyLimit = bodyLimit
        self.timeouts = timeouts
    }
}

/// The answer to an ``HTTPTransfer``; every status is an answer, 500 too.
package struct HTTPReply: Sendable, Hashable {
    /// The status code, 200…599.
    package let status: Int
    /// The header fields in the order they came, names in lower case.
    package let headers: [HTTPField]
    /// The body, at most ``HTTPTransfer/bodyLimit`` bytes.
    package let body: [UInt8]
    /// Whether the body was longer.
    package let isBodyTruncated: Bool

    /// The value of the first field of that name (lower case).
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}
