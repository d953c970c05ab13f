internal import Foundation

/// A mail of a Maildir, taken apart as far as the show needs it: the header fields, and the part that is plain text.
struct MailFile: Sendable {
    /// The header fields in order, unfolded.
    let fields: [(name: String, value: String)]
    /// The plain text, decoded.
    let text: String

    /// The value of a field.
    subscript(name: String) -> String? {
        fields.first { $0.name.caseInsensitiveCompare(name) == .orderedSame }?.value
    }

    /// Looks for the mail with a Message-ID among those that nobody has read yet.
    static func find(messageID: String, in maildir: URL) -> MailFile? {
        let folder = maildir.appending(path: "new")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        // The names begin with the time: the newest first.
        for name in names.sorted(by: >) {
            guard let data = FileManager.default.contents(atPath: folder.appending(path: name).path) else { continue }
            let mail = MailFile(data)
            if mail["Message-ID"]?.contains(messageID) == true { return mail }
        }
        return nil
    }

    /// Takes a mail apart (RFC 5322, RFC 2045). Whatever has no form that is known is shown as it is.
    init(_ data: Data) {
        let part = Part(String(decoding: data, as: UTF8.self).replacing("\r\n", with: "\n"))
        fields = part.fields
        text = part.plainText ?? ""
    }

    /// An entity of MIME: a header and a body, which may be made of parts.
    private struct Part {
        let fields: [(name: String, value: String)]
        let body: String

        init(_ text: String) {
            let end = text.firstRange(of: "\n\n")
            let header = end.map { text[..<$0.lowerBound] } ?? text[...]
            body = end.map { String(text[$0.upperBound...]) } ?? ""
            var fields: [(name: String, value: String)] = []
            for line in header.split(separator: "\n") {
                if line.first == " " || line.first == "\t", let last = fields.popLast() {
                    fields.append((last.name, last.value + " " + line.trimmingCharacters(in: .whitespaces)))
                } else if let colon = line.firstIndex(of: ":") {
                    let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                    fields.append((String(line[..<colon]), value))
                }
            }
            self.fields = fields
        }

        private func field(_ name: String) -> String {
            fields.first { $0.name.caseInsensitiveCompare(name) == .orderedSame }?.value ?? ""
        }

        var plainText: String? {
            let type = field("Content-Type").lowercased()
            if type.isEmpty || type.hasPrefix("text/plain") { return decodedBody }
            guard type.hasPrefix("multipart/"), let boundary else { return nil }
            let parts = ("\n" + body).split(separator: "\n--\(boundary)", omittingEmptySubsequences: false)
            for part in parts.dropFirst() where !part.hasPrefix("--") {
                if let text = Part(String(part.drop { $0 == "\n" })).plainText { return text }
            }
            return nil
        }

        /// The boundary as it is written: upper and lower case count.
        private var boundary: String? {
            let type = field("Content-Type")
            guard let start = type.range(of: "boundary=", options: .caseInsensitive)?.upperBound else { return nil }
            return String(type[start...].prefix { $0 != ";" }).trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
        }

        private var decodedBody: String {
            switch field("Content-Transfer-Encoding").lowercased() {
            case "base64":
                Data(base64Encoded: body, options: .ignoreUnknownCharacters)
                    .map { String(decoding: $0, as: UTF8.self) } ?? body
            case "quoted-printable": QuotedPrintable.decode(body)
            default: body
            }
        }
    }
}

/// The encoding of RFC 2045 §6.7.
enum QuotedPrintable {
    /// Decodes; what is no escape stays as it is.
    static func decode(_ text: String) -> String {
        let octets = Array(text.utf8)
        var decoded: [UInt8] = []
        var index = 0
        while index < octets.count {
            if octets[index] == UInt8(ascii: "="), index + 1 < octets.count {
                // A soft line break.
                if octets[index + 1] == UInt8(ascii: "\n") {
                    index += 2
                    continue
                }
                if index + 2 < octets.count,
                    let octet = UInt8(String(decoding: octets[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
                {
                    decoded.append(octet)
                    index += 3
                    continue
                }
            }
            decoded.append(octets[index])
            index += 1
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
