/// Quoted-printable (RFC 2045 §6.7) for text: line ends become CRLF, no line is longer than 76 characters.
///
/// Besides what must be encoded, a dot and the word `From` at the start of a line are: no relay doubles the one or
/// marks the other, so the message arrives as it was signed.
enum QuotedPrintable {
    private static let lineLength = 76
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func lines(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 8)
        var index = 0
        while index < text.count {
            var end = index
            while end < text.count, text[end] != 13, text[end] != 10 { end += 1 }
            appendLine(text[index..<end], to: &output)
            output += [13, 10]
            index = end + 1
            if end + 1 < text.count, text[end] == 13, text[end + 1] == 10 { index += 1 }
        }
        return output
    }

    private static func appendLine(_ line: ArraySlice<UInt8>, to output: inout [UInt8]) {
        var column = 0
        for index in line.indices {
            let byte = line[index]
            let isLast = index == line.endIndex - 1
            let isWhitespace = byte == 0x20 || byte == 0x09
            var isLiteral = (byte >= 0x21 && byte <= 0x7E && byte != UInt8(ascii: "=")) || (isWhitespace && !isLast)
            if column == 0, byte == UInt8(ascii: ".") || line[index...].starts(with: "From ".utf8) { isLiteral = false }
            let width = isLiteral ? 1 : 3
            // A soft line break takes the last column, unless nothing follows.
            if column + width > (isLast ? lineLength : lineLength - 1) {
                output += [UInt8(ascii: "="), 13, 10]
                column = 0
                // The start of a line has rules of its own.
                if byte == UInt8(ascii: ".") || line[index...].starts(with: "From ".utf8) { isLiteral = false }
            }
            if isLiteral {
                output.append(byte)
                column += 1
            } else {
                output += [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                column += 3
            }
        }
    }
}
