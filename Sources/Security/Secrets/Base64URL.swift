internal import FoundationEssentials

/// Octets as text that an address can carry without escapes (RFC 4648 §5), without padding.
enum Base64URL {
    /// The text of some octets.
    static func text(_ octets: [UInt8]) -> String {
        String(
            Data(octets).base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    /// The octets of a text; nil for one that ``text(_:)`` does not make.
    static func octets(_ text: String) -> [UInt8]? {
        var usual = ""
        for character in text {
            switch character {
            case "-": usual.append("+")
            case "_": usual.append("/")
            case "A"..."Z", "a"..."z", "0"..."9": usual.append(character)
            default: return nil
            }
        }
        usual += String(repeating: "=", count: (4 - usual.count % 4) % 4)
        guard let octets = Data(base64Encoded: usual).map(Array.init), self.text(octets) == text else { return nil }
        return octets
    }
}
