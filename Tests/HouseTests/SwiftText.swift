/// A Swift file taken apart as far as the rules need it: code apart from comments and from the texts of literals.
///
/// A scanner, not a parser: it knows comments (nested ones too), string literals of all forms with interpolations,
/// and regular-expression literals on one line. Every line keeps its number.
struct SwiftText {
    /// The code, with comments and the insides of literals blanked out.
    let code: String
    /// The string literals, without their quotes.
    let literals: [(line: Int, text: String)]

    init(_ text: String) {
        var scanner = Scanner(Array(text.utf8))
        scanner.scanCode(isInterpolation: false)
        code = String(decoding: scanner.code, as: UTF8.self)
        literals = scanner.literals
    }
}

private struct Scanner {
    let bytes: [UInt8]
    var index = 0
    var line = 1
    var code: [UInt8] = []
    var literals: [(line: Int, text: String)] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        code.reserveCapacity(bytes.count)
    }

    /// The bytes that may begin something else than plain code.
    private static let special = (0..<256).map { "/#\"()".utf8.contains(UInt8($0)) }

    private func has(_ text: StaticString, at offset: Int = 0) -> Bool {
        let start = index + offset
        guard start + text.utf8CodeUnitCount <= bytes.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[start + $0] == text.utf8Start[$0] }
    }

    private mutating func keep() {
        if bytes[index] == UInt8(ascii: "\n") { line += 1 }
        code.append(bytes[index])
        index += 1
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") {
                keep()
            } else {
                code.append(UInt8(ascii: " "))
                index += 1
            }
        }
    }

    /// Scans to the end of the text, or, inside an interpolation, to the parenthesis that closes it.
    mutating func scanCode(isInterpolation: Bool) {
        var depth = 0
        while index < bytes.count {
            if !Self.special[Int(bytes[index])] {
                keep()
            } else if has("//") {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { blank() }
            } else if has("/*") {
                scanBlockComment()
            } else if let hashes = hashesBeforeQuote() {
                scanString(hashes: hashes)
            } else if let length = lengthOfRegex() {
                blank(length)
            } else {
                if bytes[index] == UInt8(ascii: "(") { depth += 1 }
                if bytes[index] == UInt8(ascii: ")") {
                    if isInterpolation, depth == 0 { return }
                    depth -= 1
                }
                keep()
            }
        }
    }

    private mutating func scanBlockComment() {
        var depth = 0
        repeat {
            if has("/*") {
                depth += 1
                blank(2)
            } else if has("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && index < bytes.count
    }

    /// The number of `#` before a quote that opens a string here; nil when none does.
    private func hashesBeforeQuote() -> Int? {
        var position = index
        while position < bytes.count, bytes[position] == UInt8(ascii: "#") { position += 1 }
        return position < bytes.count && bytes[position] == UInt8(ascii: "\"") ? position - index : nil
    }

    private func hasHashes(_ count: Int, at offset: Int) -> Bool {
        let start = index + offset
        return start + count <= bytes.count && bytes[start..<start + count].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    private mutating func scanString(hashes: Int) {
        let firstLine = line
        let quotes = has("\"\"\"", at: hashes) ? 3 : 1
        blank(hashes + quotes)
        var text: [UInt8] = []
        while index < bytes.count {
            let closes = quotes == 3 ? has("\"\"\"") : has("\"")
            if closes, hasHashes(hashes, at: quotes) {
                blank(quotes + hashes)
                break
            }
            if quotes == 1, bytes[index] == UInt8(ascii: "\n") { break }
            if has("\\"), hasHashes(hashes, at: 1) {
                blank(1 + hashes)
                if has("(") {
                    keep()
                    scanCode(isInterpolation: true)
                    if index < bytes.count { keep() }
                    text.append(UInt8(ascii: "?"))
                } else {
                    text.append(UInt8(ascii: " "))
                    blank()
                }
            } else {
                text.append(bytes[index])
                blank()
            }
        }
        literals.append((firstLine, String(decoding: text, as: UTF8.self)))
    }

    /// The length of a `/…/` or `#/…/#` literal that begins here; nil for a division or any other operator.
    private func lengthOfRegex() -> Int? {
        let isExtended = has("#/")
        guard isExtended || has("/") else { return nil }
        let start = index + (isExtended ? 2 : 1)
        guard start < bytes.count else { return nil }
        if !isExtended {
            // Code has no operand in front of a bare literal, and no blank behind its first slash.
            let before = code.last { $0 != UInt8(ascii: " ") } ?? UInt8(ascii: "\n")
            guard "(,=:[{\n&|!?".utf8.contains(before), bytes[start] != UInt8(ascii: " ") else { return nil }
        }
        var position = start
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") {
            if bytes[position] == UInt8(ascii: "\\") {
                position += 2
                continue
            }
            if bytes[position] == UInt8(ascii: "/") {
                if !isExtended { return position + 1 - index }
                if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "#") { return position + 2 - index }
            }
            position += 1
        }
        return nil
    }
}
