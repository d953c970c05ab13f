internal import CarillonGRPC

extension Sequence<RPCMethod> {
    /// The full names of the services that these methods belong to, in order and each once.
    package var serviceNames: [String] {
        Set(map { $0.path.description.split(separator: "/").first.map(String.init) ?? "" }).sorted()
    }
}
