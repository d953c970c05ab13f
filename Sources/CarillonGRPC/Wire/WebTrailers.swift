internal import CarillonNet

/// The last frame of a gRPC-Web body, which carries what are trailers in gRPC
/// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md).
enum WebTrailers {
    /// The flag that tells this frame from a message.
    static let flag: UInt8 = 0x80

    /// The whole frame: a line `name: value` for each field, each ended by CR LF. A field whose octets would break out of
    /// its line is left out.
    static func frame(_ trailers: HeaderBlock) -> [UInt8] {
        var lines: [UInt8] = []
        trailers.visit { name, value in
            let isPrintable = value.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
            guard isPrintable, name.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }) else { return }
            lines += name
            lines += [UInt8(ascii: ":"), UInt8(ascii: " ")]
            lines += value
            lines += [0x0d, 0x0a]
        }
        return MessagePrefix.prefixed(lines, flags: flag)
    }
}
