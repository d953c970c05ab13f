/// One way into the transport for octets that nobody has checked.
struct FuzzTarget: Sendable {
    /// The name in `FUZZ_TARGET` and in reports.
    var name: String
    /// Inputs to begin with: proper ones, so that mutations get past the first checks, and those that once found something.
    var seeds: @Sendable () -> [[UInt8]]
    /// Runs one input; it must come back, whatever the input is, with nothing left behind.
    ///
    /// - Throws: ``FuzzFinding`` when something that must hold does not.
    var run: @Sendable (UnsafeRawBufferPointer) throws -> Void

    /// All targets.
    static let all = [http2, calls, framer, headers, connect]

    /// The target of that name.
    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Something that must hold and did not.
struct FuzzFinding: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless a condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(FuzzFinding) {
    if !condition { throw FuzzFinding(message()) }
}

/// An input, read from its front.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ octets: UnsafeRawBufferPointer) { rest = Array(octets)[...] }

    /// The next octet; 0 at the end.
    mutating func octet() -> UInt8 { rest.popFirst() ?? 0 }

    /// The next octets, as far as there are any.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// Octets whose number stands before them in one octet.
    mutating func takeCounted() -> [UInt8] { take(Int(octet())) }

    /// All that is left, cut into parts of one length.
    func parts(of length: Int) -> [ArraySlice<UInt8>] {
        stride(from: rest.startIndex, to: rest.endIndex, by: length).map {
            rest[$0..<min($0 + length, rest.endIndex)]
        }
    }
}
