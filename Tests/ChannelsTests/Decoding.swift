// Decoders of the tests' own, so that the encoders are not held against themselves.

extension String {
    /// What stands before the first occurrence of a mark.
    func components(until mark: String) -> String {
        let bytes = Array(utf8)
        let index = bytes.indices.first { bytes[$0...].starts(with: mark.utf8) } ?? bytes.count
        return String(decoding: bytes[..<index], as: UTF8.self)
    }

    /// What stands behind the first occurrence of a mark.
    func components(after mark: String) -> String {
        String(decoding: utf8.dropFirst(components(until: mark).utf8.count + mark.utf8.count), as: UTF8.self)
    }

    /// The text with every line ended by CRLF.
    func replacingLineEnds() -> String {
        var result: [UInt8] = []
        let bytes = Array(utf8)
        for (index, byte) in bytes.enumerated() {
            if byte == 10, index > 0, bytes[index - 1] == 13 { continue }
            result += byte == 10 || byte == 13 ? [13, 10] : [byte]
        }
        return String(decoding: result, as: UTF8.self)
    }
}

func decodedBase64(_ text: String) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bits = 0
    var count = 0
    var bytes: [UInt8] = []
    for byte in text.utf8 {
        guard let value = alphabet.firstIndex(of: byte) else { continue }
        bits = bits << 6 | value
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(bits >> count & 255))
        }
        bits &= (1 << count) - 1
    }
    return bytes
}

func decodedQuotedPrintable(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
        guard bytes[index] == UInt8(ascii: "=") else {
            result.append(bytes[index])
            index += 1
            continue
        }
        if bytes[index + 1] != 13 {
            result.append(UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)!)
        }
        index += 3
    }
    return result
}

/// The text of encoded words, up to an address.
func decodedWords(_ field: String) -> String {
    var bytes: [UInt8] = []
    for word in field.split(whereSeparator: \.isWhitespace) where word.hasPrefix("=?UTF-8?B?") {
        bytes += decodedBase64(String(word.dropFirst(10).dropLast(2)))
    }
    return String(decoding: bytes, as: UTF8.self)
}
