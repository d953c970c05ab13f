/// The form in which a message travels after `DATA` (RFC 5321 §4.5.2). Pure.
enum MessageEncoding {
    /// Makes every line end CRLF, doubles leading dots, and appends the end of the message.
    ///
    /// A CR or LF that stands alone becomes CRLF: servers differ in what they take for a line end, and a bare LF before a
    /// dot lets a message's text end the message and begin another ("SMTP smuggling").
    static func transmitted(_ message: [UInt8]) -> [UInt8] {
        var wire: [UInt8] = []
        wire.reserveCapacity(message.count + message.count / 32 + 8)
        var atLineStart = true
        var index = 0
        let count = message.count
        message.withUnsafeBufferPointer { bytes in
            // Safe because the pointer is used inside this closure only and `index` stays below `count`.
            while index < count {
                if atLineStart, bytes[index] == dot { wire.append(dot) }
                atLineStart = false
                let start = index
                while index < count, bytes[index] != carriageReturn, bytes[index] != lineFeed { index += 1 }
                wire.append(contentsOf: bytes[start..<index])
                guard index < count else { break }
                wire.append(carriageReturn)
                wire.append(lineFeed)
                index += bytes[index] == carriageReturn && index + 1 < count && bytes[index + 1] == lineFeed ? 2 : 1
                atLineStart = true
            }
        }
        if !atLineStart { wire.append(contentsOf: [carriageReturn, lineFeed]) }
        wire.append(contentsOf: [dot, carriageReturn, lineFeed])
        return wire
    }

    private static let dot = UInt8(ascii: ".")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")
}
