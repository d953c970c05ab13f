internal import Crypto

/// AES-256-GCM, with a random 96-bit nonce where nothing else is said: the one way in which this module seals. One key may seal 2^32 times; a tenant's
/// key seals provider passwords and secret context values, which is far from that.
///
/// The form is a version (1), the nonce (12 octets), the ciphertext and the tag (16 octets).
enum SealedBox {
    private static let version: UInt8 = 1

    static func seal(_ plain: [UInt8], with key: SymmetricKey, boundTo context: [UInt8]) throws(SecretError) -> [UInt8]
    {
        try seal(plain, with: key, AES.GCM.Nonce(), boundTo: context)
    }

    /// Seals with a nonce that is made of the value and where it belongs, by a key that is used for nothing else: as many
    /// different values as random nonces allow, and never one nonce for two of them.
    static func sealAlike(
        _ plain: [UInt8], with key: SymmetricKey, boundTo context: [UInt8]
    ) throws(SecretError) -> [UInt8] {
        let nonceKey = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Array("carillon nonce".utf8), outputByteCount: 32)
        let digest = HMAC<SHA256>.authenticationCode(for: context + plain, using: nonceKey)
        guard let nonce = try? AES.GCM.Nonce(data: Array(digest).prefix(12)) else {
            throw SecretError(.malformedKey, "the key cannot seal")
        }
        return try seal(plain, with: key, nonce, boundTo: context)
    }

    private static func seal(
        _ plain: [UInt8], with key: SymmetricKey, _ nonce: AES.GCM.Nonce, boundTo context: [UInt8]
    ) throws(SecretError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(plain, using: key, nonce: nonce, authenticating: context)
            return [version] + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
        } catch {
            throw SecretError(.malformedKey, "the key cannot seal")
        }
    }

    static func open(_ sealed: [UInt8], with key: SymmetricKey, boundTo context: [UInt8]) throws(SecretError) -> [UInt8]
    {
        guard sealed.first == version, sealed.count >= 29,
            let box = try? AES.GCM.SealedBox(combined: sealed.dropFirst())
        else { throw SecretError(.malformedBox, "the sealed value does not have the form of this version") }
        do {
            return Array(try AES.GCM.open(box, using: key, authenticating: context))
        } catch {
            throw SecretError(.notAuthentic, "the sealed value is not authentic for this key and place")
        }
    }
}
