internal import Crypto

/// AES-256-GCM with a random 96-bit nonce: the one way in which this module seals. One key may seal 2^32 times; a tenant's
/// key seals provider passwords and secret context values, which is far from that.
///
/// The form is a version (1), the nonce (12 octets), the ciphertext and the tag (16 octets).
enum SealedBox {
    private static let version: UInt8 = 1

    static func seal(_ plain: [UInt8], with key: SymmetricKey, boundTo context: [UInt8]) throws(SecretError) -> [UInt8]
    {
        do {
            let box = try AES.GCM.seal(plain, using: key, authenticating: context)
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
