internal import Crypto
package import Domain

/// What the link in a mail carries by which its reader confirms that the address it came to is a user's. It opens nothing else, names
/// nobody to those who see it, and ends after a time, or with the tenant's data key.
///
/// The text is the tenant's id, a dot, and in base64url what the tenant's key seals. Sealing the same again gives the same text, so that
/// a request which is made twice is the same request.
package struct ConfirmationToken: Sendable, Hashable {
    /// Who.
    package let user: UserID
    /// The address.
    package let address: Address
    /// When it ends.
    package let expiry: Instant

    private static let version: UInt8 = 1
    /// The longest text that is looked at, in octets.
    package static let greatestLength = 1_024

    /// Names what is to be confirmed.
    package init(user: UserID, address: Address, expiry: Instant) {
        self.user = user
        self.address = address
        self.expiry = expiry
    }

    /// The token as a link carries it.
    ///
    /// - Throws: ``SecretError`` when the key cannot seal.
    package func text(_ key: DataKey) throws(SecretError) -> String {
        let parts = [
            String(expiry.microseconds), address.channel.rawValue, user.rawValue, address.text,
        ]
        return try SealedToken.text([Self.version] + Array(parts.joined(separator: "\n").utf8), .confirmation, key)
    }

    /// Reads a token, whether or not it has ended; nil for what this key has not sealed.
    package init?(_ text: String, _ key: DataKey) {
        guard text.utf8.count <= Self.greatestLength, let plain = SealedToken.plain(text, .confirmation, key),
            plain.first == Self.version
        else { return nil }
        let parts = String(decoding: plain.dropFirst(), as: UTF8.self)
            .split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let expiry = Int64(parts[0]), let channel = Channel(rawValue: parts[1]),
            let user = UserID(parts[2])
        else { return nil }
        self.init(user: user, address: Address(channel, parts[3]), expiry: Instant(microseconds: expiry))
    }
}

extension SealedPlace {
    /// A token that no table holds.
    fileprivate static let confirmation = SealedPlace(table: "", id: "", column: "confirmation token")
}
