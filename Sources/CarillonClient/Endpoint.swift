/// Where servers are to be found: a name with a port. All addresses of the name are used.
public struct Endpoint: Sendable, Hashable {
    /// Host name or address.
    public var host: String
    /// TCP port.
    public var port: UInt16

    /// Names a place.
    public init(_ host: String, port: UInt16 = 443) {
        self.host = host
        self.port = port
    }
}
