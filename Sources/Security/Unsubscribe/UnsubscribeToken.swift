internal import Crypto
package import Domain

/// What the link in a mail carries by which its reader stops mails of that kind (RFC 8058): for one user and one type. It opens
/// nothing else, names nobody to those who see it, and does not expire: mails are read long after they were sent. It ends with the
/// tenant's data key.
///
/// The text is the tenant's id, a dot, and in base64url what the tenant's key seals. Sealing the same again gives the same text,
/// so that a mail that is sent twice is one mail.
package struct UnsubscribeToken: Sendable, Hashable {
    /// Who.
    package let user: UserID
    /// As whom the user was told.
    package let audience: Audience
    /// Of what.
    package let type: TypeKey

    private static let version: UInt8 = 1
    /// The longest text that is looked at, in octets.
    package static let greatestLength = 512

    /// Names what is to be stopped.
    package init(user: UserID, audience: Audience, type: TypeKey) {
        self.user = user
        self.audience = audience
        self.type = type
    }

    /// The token as a link carries it.
    ///
    /// - Throws: ``SecretError`` when the key cannot seal.
    package func text(_ key: DataKey) throws(SecretError) -> String {
        let plain = [Self.version] + Array("\(audience.rawValue)\n\(type.rawValue)\n\(user.rawValue)".utf8)
        return try SealedToken.text(plain, .unsubscribeToken, key)
    }

    /// Reads a token; nil for what this key has not sealed.
    package init?(_ text: String, _ key: DataKey) {
        guard text.utf8.count <= Self.greatestLength, let plain = SealedToken.plain(text, .unsubscribeToken, key),
            plain.first == Self.version
        else { return nil }
        let parts = String(decoding: plain.dropFirst(), as: UTF8.self)
            .split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let audience = Audience(rawValue: parts[0]), let type = TypeKey(parts[1]),
            let user = UserID(parts[2])
        else { return nil }
        self.init(user: user, audience: audience, type: type)
    }
}

extension SealedPlace {
    /// A token that no table holds.
    fileprivate static let unsubscribeToken = SealedPlace(table: "", id: "", column: "unsubscribe token")
}
