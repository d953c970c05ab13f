/// The rules for names and values of metadata (gRPC over HTTP/2, "Custom-Metadata").
enum MetadataField {
    /// Whether a name belongs to HTTP or to the protocols, so that handlers neither see nor set it. What gRFC A6 defines
    /// for retries is let through.
    static func isReserved(_ name: some Collection<UInt8>) -> Bool {
        if name.first == UInt8(ascii: ":") { return true }
        if name.starts(with: "grpc-".utf8) {
            return !name.elementsEqual("grpc-previous-rpc-attempts".utf8)
                && !name.elementsEqual("grpc-retry-pushback-ms".utf8)
        }
        if name.starts(with: "connect-".utf8) { return true }
        return reserved.contains { name.elementsEqual($0.utf8) }
    }

    private static let reserved = [
        "te", "content-type", "user-agent", "content-length", "content-encoding", "accept-encoding", "host",
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "trailer",
    ]

    /// Whether a handler may send a field: a name of `0-9 a-z _ - .` that is not reserved, and a value of printable ASCII
    /// without blanks around it.
    static func isValid(_ name: String, _ value: String) -> Bool {
        !isReserved(name.utf8) && isWellFormed(name, value)
    }

    /// Whether a field can be sent at all: a name of `0-9 a-z _ - .`, and a value of printable ASCII without blanks around
    /// it.
    static func isWellFormed(_ name: String, _ value: String) -> Bool {
        guard !name.isEmpty else { return false }
        let isNameValid = name.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"),
                UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        let value = value.utf8
        return isNameValid && value.allSatisfy { (0x20...0x7e).contains($0) }
            && value.first != 0x20 && value.last != 0x20
    }
}
