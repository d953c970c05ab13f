/// Application-Layer Protocol Negotiation (RFC 7301): a list of length-prefixed names.
enum ALPN {
    /// The offer of a client: `h2` alone.
    static let h2: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]

    /// Where the name `h2` stands in an offered list; `nil` when it is absent or the list is malformed.
    static func positionOfH2(_ list: UnsafePointer<UInt8>, _ count: Int) -> UnsafePointer<UInt8>? {
        var offset = 0
        while offset < count {
            let length = Int(list[offset])
            guard length > 0, offset + 1 + length <= count else { return nil }
            if length == 2, list[offset + 1] == h2[1], list[offset + 2] == h2[2] { return list + offset + 1 }
            offset += 1 + length
        }
        return nil
    }

    /// The names of an offered list for a log line: at most four, anything but plain characters left out.
    static func names(_ list: UnsafePointer<UInt8>, _ count: Int) -> String {
        var names: [String] = []
        var offset = 0
        while offset < count, names.count < 4 {
            let length = Int(list[offset])
            guard length > 0, offset + 1 + length <= count else { break }
            let name = UnsafeBufferPointer(start: list + offset + 1, count: min(length, 16))
            names.append(String(decoding: name.filter { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self))
            offset += 1 + length
        }
        return names.joined(separator: ", ")
    }
}
