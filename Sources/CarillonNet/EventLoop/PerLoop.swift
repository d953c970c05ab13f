/// One value for each of a few loops, such as a pool of database connections: handlers find theirs by the loop that they
/// run on, so that nothing is shared between threads.
///
/// Safe as `@unchecked Sendable` because the table is not changed after init, and a value is only to be touched on its own
/// loop.
package struct PerLoop<Value>: @unchecked Sendable {
    @usableFromInline let values: [Value]
    /// What the loops are told apart by: comparing them holds nothing.
    @usableFromInline let places: [ObjectIdentifier]
    private let loops: [EventLoop]

    /// Makes a value for each loop, in order.
    package init(_ loops: [EventLoop], _ make: (EventLoop) throws -> Value) rethrows {
        values = try loops.map(make)
        places = loops.map { ObjectIdentifier($0) }
        self.loops = loops
    }

    /// The value of a loop. A loop that has none is a mistake of the program, and traps.
    @inlinable
    package subscript(loop: EventLoop) -> Value {
        // A handful of loops: comparing pointers beats hashing them.
        guard let place = places.firstIndex(of: ObjectIdentifier(loop)) else { fail(loop) }
        return values[place]
    }

    @usableFromInline
    func fail(_ loop: EventLoop) -> Never { preconditionFailure("the loop \(loop.name) has no value here") }

    /// All loops with their values, in order.
    package var all: [(loop: EventLoop, value: Value)] { Array(zip(loops, values)) }
}
