internal import CarillonGRPC

/// One thing that is wrong with a request.
struct RequestViolation: Hashable, Sendable {
    /// The field, as the .proto names it: `user.email`, `context[invoice_number]`, `choices[2].channel`.
    let field: String
    /// What is wrong and what to send instead, without the value.
    let description: String
    /// A stable code, such as `REQUIRED`.
    let reason: String

    init(_ field: String, _ description: String, reason: String = "INVALID") {
        self.field = field
        self.description = description
        self.reason = reason
    }
}

/// Everything that is wrong with one request, said at once, as far as it fits into an answer.
struct RequestViolations {
    /// What the listed violations may take in the details, in octets. The details travel in the trailers, in base64, and
    /// the usual clients take 8 KiB of those: beyond that a caller would be told of the trailers instead of the mistake.
    static let octetLimit = 3072

    /// What is listed: the first of all that is wrong.
    private(set) var all: [RequestViolation] = []
    /// How much is wrong, listed or not.
    private(set) var count = 0
    private var octets = 0

    /// Whether nothing is wrong so far.
    var isEmpty: Bool { count == 0 }

    mutating func add(_ field: String, _ description: String, reason: String = "INVALID") {
        add(RequestViolation(field, description, reason: reason))
    }

    mutating func add(_ violation: RequestViolation) {
        // The list has no holes: after the first that does not fit none is added.
        if all.count == count, octets + violation.octets <= Self.octetLimit {
            all.append(violation)
            octets += violation.octets
        }
        count += 1
    }

    /// Throws INVALID_ARGUMENT if anything is wrong.
    func check(_ reason: ErrorReason = .fieldInvalid) throws(Status) {
        guard count > 0 else { return }
        let first = all.first.map { "\($0.field) \($0.description)" } ?? "the request is not valid"
        let more =
            if count <= 1 {
                ""
            } else if all.count == count {
                " (and \(count - 1) more; see the details)"
            } else {
                " (and \(count - 1) more; the details name the first \(all.count))"
            }
        throw Status(.invalidArgument, reason, first + more, violations: all)
    }
}

extension RequestViolation {
    /// What it takes in the details: its texts, and the tags and lengths around them.
    fileprivate var octets: Int { field.utf8.count + description.utf8.count + reason.utf8.count + 12 }
}
