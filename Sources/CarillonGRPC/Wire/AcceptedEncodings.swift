internal import CarillonNet

/// Lists of encodings that a peer can decode: `grpc-accept-encoding`, `connect-accept-encoding` and HTTP's own
/// `accept-encoding` (RFC 9110 §12.5.3).
enum AcceptedEncodings {
    /// Whether a list such as `br, gzip;q=0.5` lets gzip be used; a quality of nought forbids it (RFC 9110 §12.4.2). It
    /// allocates nothing, as most gRPC requests have such a field.
    ///
    /// - Returns: `nil` when the list says nothing of gzip.
    static func gzip(in value: UnsafeRawBufferPointer) -> Bool? {
        var isAccepted: Bool?
        var rest = value[...]
        while !rest.isEmpty {
            let element = rest.prefix { $0 != UInt8(ascii: ",") }
            rest = rest.dropFirst(element.count + 1)
            let coding = element.prefix { $0 != UInt8(ascii: ";") }
            guard coding.trimmingBlanks.elementsEqual("gzip".utf8) else { continue }
            let quality = element.dropFirst(coding.count + 1).trimmingBlanks
            let isForbidden =
                quality.starts(with: "q=0".utf8) && quality.dropFirst(3).allSatisfy { $0 == 0x2e || $0 == 0x30 }
            isAccepted = !isForbidden
        }
        return isAccepted
    }
}
