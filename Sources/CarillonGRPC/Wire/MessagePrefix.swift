internal import CarillonNet

/// The prefix of a message on the wire: an octet of flags and four of length, big-endian (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
enum MessagePrefix {
    /// Puts a prefix before octets.
    ///
    /// - Parameter flags: bit 0 for a compressed message; Connect and gRPC-Web mark their last one with others.
    static func prefixed(_ octets: [UInt8], flags: UInt8) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(MessageFrame.prefixLength + octets.count)
        frame.append(flags)
        for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: octets.count >> shift)) }
        frame += octets
        return frame
    }

    /// The same on its way out.
    static func framed(_ octets: [UInt8], flags: UInt8) -> OutgoingOctets {
        let frame = MessageFrame(octets).octets
        frame.memory[0] = flags
        return frame
    }
}
