/// What became of the calls of one method since the server started: a sum over its loops, each part of which was true a moment ago.
package struct MethodCounts: Sendable, Equatable {
    /// The path, `/package.Service/Method`.
    package let path: String
    /// Whether it has one message each way. Only then durations say something of the service: a stream lasts as long as its caller
    /// likes.
    package let isUnary: Bool
    /// Calls that were admitted and are over, by their codes.
    package internal(set) var ended: [StatusCode: Int] = [:]
    /// How many of them took no longer than each of ``bounds`` and longer than the one before; the last took longer than all.
    package internal(set) var durations = Array(repeating: 0, count: MethodCounters.bounds.count + 1)
    /// How long they took together, in nanoseconds.
    package internal(set) var nanoseconds = 0

    /// The bounds of ``durations`` in seconds.
    package static let bounds = MethodCounters.bounds.map { Double($0) / 1e9 }

    init(_ method: RPCMethod) {
        path = method.path.description
        isUnary = method.isUnary
    }
}
