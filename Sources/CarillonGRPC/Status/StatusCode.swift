/// How a call ended (https://grpc.io/docs/guides/status-codes/).
package enum StatusCode: UInt8, Sendable, CaseIterable {
    /// It went well.
    case ok = 0
    /// The caller gave up.
    case cancelled = 1
    /// An error that has no code of its own.
    case unknown = 2
    /// The request is wrong whatever the state of the system.
    case invalidArgument = 3
    /// The deadline passed first.
    case deadlineExceeded = 4
    /// What was asked for does not exist.
    case notFound = 5
    /// What was to be made exists.
    case alreadyExists = 6
    /// The caller is known and may not do this.
    case permissionDenied = 7
    /// A limit was reached.
    case resourceExhausted = 8
    /// The system is not in the state that this needs.
    case failedPrecondition = 9
    /// A concurrent change came first; the caller may begin anew.
    case aborted = 10
    /// Past the end of what there is.
    case outOfRange = 11
    /// There is no such method, or it cannot do this.
    case unimplemented = 12
    /// Something that must hold does not.
    case internalError = 13
    /// Not now; a retry may go well.
    case unavailable = 14
    /// Data is lost or broken for good.
    case dataLoss = 15
    /// The caller is not known.
    case unauthenticated = 16

    /// The name in the specification, such as `INVALID_ARGUMENT`.
    package var name: String {
        Self.names[Int(rawValue)]
    }

    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}
