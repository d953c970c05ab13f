/// The encoding of `grpc-message` (gRPC over HTTP/2, "Responses"): UTF-8 whose octets outside printable ASCII, and `%`,
/// are written as `%XX`.
enum PercentEncoding {
    /// Longer messages are cut, so that trailers stay well within a peer's header limits (a blank that ends a message
    /// of just this length takes two octets more).
    static let limit = 1024

    /// Encodes a message. No character is cut in two, and a blank at either end is escaped as well: field values must
    /// not begin or end with one (RFC 9113 §8.2.1).
    static func encode(_ message: String) -> String {
        var encoded: [UInt8] = []
        for character in message.unicodeScalars {
            let length = encoded.count
            for octet in character.utf8 {
                switch octet {
                case blank where length == 0: encoded += escape(octet)
                case 0x20...0x24, 0x26...0x7e: encoded.append(octet)
                default: encoded += escape(octet)
                }
            }
            guard encoded.count <= limit else {
                encoded.removeSubrange(length...)
                break
            }
        }
        if encoded.last == blank { encoded.replaceSubrange((encoded.count - 1)..., with: escape(blank)) }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static let blank = UInt8(ascii: " ")

    private static func escape(_ octet: UInt8) -> [UInt8] {
        [UInt8(ascii: "%"), hexadecimal[Int(octet >> 4)], hexadecimal[Int(octet & 15)]]
    }

    /// Decodes a message; what is not a proper escape stays as it is, as the specification asks.
    static func decode(_ octets: some Sequence<UInt8>) -> String {
        let octets = Array(octets)
        var decoded: [UInt8] = []
        var index = 0
        while index < octets.count {
            if octets[index] == UInt8(ascii: "%"), index + 2 < octets.count,
                let high = value(octets[index + 1]), let low = value(octets[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(octets[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// Decodes a value of a query (https://url.spec.whatwg.org/#urlencoded-parsing, where `+` is a blank); `nil` when an
    /// escape is broken.
    static func decodeQuery(_ octets: some Collection<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(octets.count)
        var rest = octets[...]
        while let octet = rest.popFirst() {
            switch octet {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(value), let low = rest.popFirst().flatMap(value) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            default: decoded.append(octet)
            }
        }
        return decoded
    }

    private static let hexadecimal = Array("0123456789ABCDEF".utf8)

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
