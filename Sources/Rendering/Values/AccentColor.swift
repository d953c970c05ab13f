/// A colour of a supplier, and the colour of text that can be read on it.
struct AccentColor: Equatable {
    let text: String
    private let red: Int
    private let green: Int
    private let blue: Int

    static let standard = AccentColor(red: 0x1F, green: 0x4E, blue: 0x79, text: Branding.defaultAccent)

    /// Takes `#RRGGBB` and nothing else, as it goes into a style as it is.
    init?(_ text: String) {
        let digits = text.utf8.dropFirst().map { Character(Unicode.Scalar($0)).hexDigitValue ?? -1 }
        guard text.utf8.first == UInt8(ascii: "#"), digits.count == 6, digits.allSatisfy({ $0 >= 0 }) else {
            return nil
        }
        self.init(
            red: digits[0] * 16 + digits[1], green: digits[2] * 16 + digits[3], blue: digits[4] * 16 + digits[5],
            text: text)
    }

    private init(red: Int, green: Int, blue: Int, text: String) {
        self.red = red
        self.green = green
        self.blue = blue
        self.text = text
    }

    /// Black or white, whichever has the greater contrast (WCAG 2: the two are equal at a luminance of 0.179).
    var readableText: String { luminance > 0.179 ? "#000000" : "#FFFFFF" }

    /// Relative luminance; sRGB's curve is taken as a square, which is near enough to tell black from white.
    private var luminance: Double {
        let channel = { (value: Int) in Double(value * value) / Double(255 * 255) }
        return 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
    }
}
