/// One value for each of a few loops, such as a pool of database connections: handlers find theirs by the loop that they
/// run on, so that nothing is shared between threads.
///
/// Safe as `@unchecked Sendable` because the table is not changed after init, and a value is only to be touched on its own
/// loop.
package struct PerLoop<Value>: @unchecked Sendable {
    private let entries: [(loop: EventLoop, value: Value)]
    /// The loops once more: comparing them holds nothing.
    private let loops: [ObjectIdentifier]

    /// Makes a value for each loop, in order.
    package init(_ loops: [EventLoop], _ make: (EventLoop) throws -> Value) rethrows {
        entries = try loops.map { ($0, try make($0)) }
        self.loops = loops.map { ObjectIdentifier($0) }
    }

    /// The value of a loop. A loop that has none is a mistake of the program, and traps.
    package subscript(loop: EventLoop) -> Value {
        // A handful of loops: comparing pointers beats hashing them.
        if let place = loops.firstIndex(of: ObjectIdentifier(loop)) { return entries[place].value }
        preconditionFailure("the loop \(loop.name) has no value here")
    }

    /// All loops with their values, in order.
    package var all: [(loop: EventLoop, value: Value)] { entries }
}
