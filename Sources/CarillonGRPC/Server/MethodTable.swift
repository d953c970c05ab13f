internal import CarillonNet

/// Finds a method by the exact octets of its path: nothing is decoded or normalised, so that what is authorized is what
/// runs. Made once, read by all loops.
struct MethodTable: Sendable {
    /// All methods, by their numbers.
    let methods: [RPCMethod]
    private let slots: [RPCMethod?]
    private let services: Set<String>

    init(_ methods: [RPCMethod]) {
        var capacity = 16
        while capacity < methods.count * 4 { capacity *= 2 }
        var slots = [RPCMethod?](repeating: nil, count: capacity)
        var numbered: [RPCMethod] = []
        for method in methods {
            var method = method
            method.number = numbered.count
            numbered.append(method)
            var index = Self.hash(method.path.octets) & (capacity - 1)
            while let taken = slots[index] {
                precondition(!taken.path.octets.matches(method.path), "\(method.path) is registered twice")
                index = (index + 1) & (capacity - 1)
            }
            slots[index] = method
        }
        self.slots = slots
        self.methods = numbered
        services = Set(methods.compactMap { Self.service(of: $0.path.octets) })
    }

    /// The method with that path.
    func find(_ path: UnsafeRawBufferPointer) -> RPCMethod? {
        var index = Self.hash(path) & (slots.count - 1)
        while let method = slots[index] {
            if path.matches(method.path) { return method }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    /// What to tell a caller of a path that is not in the table.
    func explainMissing(_ path: UnsafeRawBufferPointer) -> Status {
        guard let service = Self.service(of: path) else {
            return Status(.unimplemented, "the method name is malformed")
        }
        return services.contains(service)
            ? Status(.unimplemented, "unknown method of service \(service)")
            : Status(.unimplemented, "unknown service \(service)")
    }

    private static func service(of path: UnsafeRawBufferPointer) -> String? {
        guard path.first == UInt8(ascii: "/"), let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 1 else {
            return nil
        }
        return String(decoding: path[1..<slash], as: UTF8.self)
    }

    /// The table is never filled by a caller, so collisions cannot be provoked.
    private static func hash(_ octets: UnsafeRawBufferPointer) -> Int {
        let hash = FNV1a.hash(octets)
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
