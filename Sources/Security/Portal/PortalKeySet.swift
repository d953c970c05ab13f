internal import FoundationEssentials
internal import JWTKit

/// The public keys that a tenant signs its portal tokens with, parsed and ready to verify.
///
/// Parsing costs much more than verifying; it is done once for each set, when the set is registered or loaded.
package struct PortalKeySet: Sendable {
    /// One registered key.
    package struct Key: Sendable {
        /// The `kid` that tokens name it by: 1 to 128 visible ASCII characters.
        package let id: String
        /// The only `alg` that a token with this key may have: `ES256`, `EdDSA` or `RS256`.
        package let algorithm: String
        /// The key as a JWK (RFC 7517) with the members that this service knows, in a fixed order: what is stored.
        package let json: String
        let verifier: any JWTAlgorithm
    }

    /// The most keys that a set may have: two for each of two signers in rotation, and one to spare.
    package static let limit = 5
    /// The longest text that is read, in octets.
    package static let greatestLength = 32 * 1024

    /// The keys in the order given.
    package let keys: [Key]

    /// The key called `id`, nil when there is none.
    package subscript(id: String) -> Key? { keys.first { $0.id == id } }

    /// No keys: no token is good.
    package static let empty = PortalKeySet(keys: [])

    private init(keys: [Key]) {
        self.keys = keys
    }

    /// Reads a JWK Set. Private keys, symmetric keys, unknown algorithms and sets with a repeated `kid` are refused as a
    /// whole, so that who registers a set learns of a mistake then and not when users cannot sign in.
    package static func parse(_ json: String) async throws(PortalKeyError) -> PortalKeySet {
        guard json.utf8.count <= greatestLength else { throw PortalKeyError("the key set is longer than 32 KiB") }
        guard let set = try? JSONDecoder().decode(WebKeySet.self, from: Data(json.utf8)) else {
            throw PortalKeyError(#"the text is not a JWK Set: an object with the member "keys", a list of keys"#)
        }
        return try await make(set.keys)
    }

    /// Reads keys that were registered before, each a ``Key/json``.
    package static func parse(stored: [String]) async throws(PortalKeyError) -> PortalKeySet {
        let keys = stored.compactMap { try? JSONDecoder().decode(WebKey.self, from: Data($0.utf8)) }
        guard keys.count == stored.count else { throw PortalKeyError("a registered key cannot be read") }
        return try await make(keys)
    }

    private static func make(_ webKeys: [WebKey]) async throws(PortalKeyError) -> PortalKeySet {
        guard webKeys.count <= limit else {
            throw PortalKeyError("the set has \(webKeys.count) keys; at most \(limit)")
        }
        var keys: [Key] = []
        for (place, webKey) in webKeys.enumerated() {
            let key = try await webKey.registered(at: place)
            if keys.contains(where: { $0.id == key.id }) {
                throw PortalKeyError("keys[\(place)] has the same kid as another key")
            }
            keys.append(key)
        }
        return PortalKeySet(keys: keys)
    }
}

/// What is wrong with a set of portal keys, in words for who registers it. Key material is never in it.
package struct PortalKeyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
