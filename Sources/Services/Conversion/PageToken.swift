internal import CarillonGRPC
internal import Domain
internal import FoundationEssentials

/// The opaque text that names where the next page begins: the key of the last element, and a digest of what the list is
/// about, so that a token is not taken for another list.
struct PageToken {
    /// The key of the last element of the page before.
    let key: String

    /// Reads a token; nil for the first page.
    ///
    /// - Parameters:
    ///   - token: as it was sent.
    ///   - list: what the list is about: its name and all filters.
    ///   - check: notes a token that is not one of this list.
    static func read(_ token: String, of list: [String], _ check: inout FieldCheck) -> PageToken? {
        if token.isEmpty { return nil }
        guard token.utf8.count <= 1000, let data = Data(base64Encoded: Self.standard(token)),
            let text = String(bytes: data, encoding: .utf8)
        else { return refuse(&check) }
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == digest(list) else { return refuse(&check) }
        return PageToken(key: String(parts[1]))
    }

    /// Reads the identifier that a token names; nil for the first page.
    static func readID<ID: Identifier>(
        _ token: String, of list: [String], _ check: inout FieldCheck, as type: ID.Type = ID.self
    ) -> ID? {
        guard let token = read(token, of: list, &check) else { return nil }
        guard let id = ID(token.key) else {
            refuse(&check)
            return nil
        }
        return id
    }

    /// Makes a token; empty for a list that has ended.
    static func make(_ key: String?, of list: [String]) -> String {
        guard let key else { return "" }
        return Data("\(digest(list))\n\(key)".utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Notes that the token is not one of this list.
    @discardableResult
    static func refuse(_ check: inout FieldCheck) -> PageToken? {
        check.add(
            "page_token",
            "is not a token of this list; send the next_page_token of the page before, with the same filters")
        return nil
    }

    private static func standard(_ token: String) -> String {
        let text = token.replacing("-", with: "+").replacing("_", with: "/")
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    /// Tells lists apart; nobody has to be kept from making one up (FNV-1a).
    private static func digest(_ list: [String]) -> String {
        var hash: UInt32 = 0x811c_9dc5
        for part in list {
            for octet in part.utf8 { hash = (hash ^ UInt32(octet)) &* 0x0100_0193 }
            hash = (hash ^ 0xff) &* 0x0100_0193
        }
        return String(hash, radix: 36)
    }
}
