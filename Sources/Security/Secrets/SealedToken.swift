package import Domain

/// A token that says by itself what it stands for, to nobody but the holder of a tenant's key: the tenant's id, a dot, and in base64url
/// what the key seals.
package enum SealedToken {
    /// Whose key opens a token; nil for what is none.
    package static func tenant(of text: String) -> TenantID? {
        text.firstIndex(of: ".").flatMap { TenantID(String(text[..<$0])) }
    }

    /// The token of some octets. The same octets give the same token.
    ///
    /// - Parameter purpose: a token of one purpose is none of another.
    static func text(_ plain: [UInt8], _ purpose: SealedPlace, _ key: DataKey) throws(SecretError) -> String {
        "\(key.tenant).\(Base64URL.text(try key.sealAlike(plain, for: purpose)))"
    }

    /// The octets of a token; nil for what this key has not sealed for this purpose.
    static func plain(_ text: String, _ purpose: SealedPlace, _ key: DataKey) -> [UInt8]? {
        guard let tenant = tenant(of: text), tenant.rawValue == key.tenant,
            let sealed = Base64URL.octets(String(text.dropFirst(tenant.rawValue.count + 1)))
        else { return nil }
        return try? key.open(sealed, from: purpose)
    }
}
