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

/// Everything that is wrong with one request, said at once.
struct RequestViolations {
    /// More are not listed: a request of thousands of wrong values must not make an answer of megabytes.
    private static let limit = 100

    private(set) var all: [RequestViolation] = []

    /// Whether nothing is wrong so far.
    var isEmpty: Bool { all.isEmpty }

    mutating func add(_ field: String, _ description: String, reason: String = "INVALID") {
        add(RequestViolation(field, description, reason: reason))
    }

    mutating func add(_ violation: RequestViolation) {
        guard all.count < Self.limit else { return }
        all.append(violation)
    }

    /// Throws INVALID_ARGUMENT if anything is wrong.
    func check(_ reason: ErrorReason = .fieldInvalid) throws(Status) {
        guard let first = all.first else { return }
        let more = all.count > 1 ? " (and \(all.count - 1) more; see the details)" : ""
        throw Status(
            .invalidArgument, reason, "\(first.field) \(first.description)\(more)", violations: all)
    }
}
