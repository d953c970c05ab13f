internal import Crypto
internal import FoundationEssentials

/// A key that seals the tenants' data keys and nothing else. It lives in a file that the operator keeps apart from the
/// database: who has one without the other has no secrets.
package struct KeyEncryptionKey: Sendable {
    /// Names the key in what it wrapped: 8 octets of a digest of the key, so that two keys never share an id and the
    /// file needs no numbering.
    package let id: [UInt8]
    fileprivate let key: SymmetricKey

    /// Makes a key of 32 octets; nil for any other number.
    package init?(octets: [UInt8]) {
        guard octets.count == 32 else { return nil }
        key = SymmetricKey(data: octets)
        id = Array(SHA256.hash(data: Array("carillon key-encryption key id".utf8) + octets).prefix(8))
    }

    /// Makes a new random key and the line of a key file that holds it.
    package static func generate() -> (key: KeyEncryptionKey, line: String) {
        let key = SymmetricKey(size: .bits256)
        // Safe because the octets are copied out.
        let octets = unsafe key.withUnsafeBytes { unsafe Array($0) }
        guard let made = KeyEncryptionKey(octets: octets) else { preconditionFailure("256 bits are 32 octets") }
        return (made, Data(octets).base64EncodedString())
    }
}

/// The key-encryption keys of a key file. The first one wraps; all open, so that a new key is brought in by putting it
/// above the old one.
package struct Keyring: Sendable {
    private let keys: [KeyEncryptionKey]

    /// Makes a ring; the first key wraps.
    package init(_ first: KeyEncryptionKey, _ older: [KeyEncryptionKey] = []) {
        keys = [first] + older
    }

    /// Reads a key file: 32 octets in base64 a line; empty lines and lines that begin with `#` are passed over.
    ///
    /// - Throws: ``SecretError/Code/malformedKey`` naming the line.
    package init(fileText: String) throws(SecretError) {
        var keys: [KeyEncryptionKey] = []
        let lines = fileText.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (number, line) in lines.enumerated() {
            let text = String(line.filter { $0 != " " && $0 != "\t" })
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let data = Data(base64Encoded: text), let key = KeyEncryptionKey(octets: Array(data)) else {
                throw SecretError(.malformedKey, "line \(number + 1) is not 32 octets in base64")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw SecretError(.malformedKey, "the file holds no key") }
        self.keys = keys
    }

    /// Makes a data key for a tenant, and its wrapped form for the registry.
    package func makeDataKey(for tenant: String) throws(SecretError) -> (key: DataKey, wrapped: [UInt8]) {
        let key = SymmetricKey(size: .bits256)
        // Safe because the octets are copied out.
        let octets = unsafe key.withUnsafeBytes { unsafe Array($0) }
        let place = Self.place(of: tenant)
        let sealed = try SealedBox.seal(octets, with: keys[0].key, boundTo: place)
        return (DataKey(tenant: tenant, key: key), keys[0].id + sealed)
    }

    /// Opens a tenant's data key.
    package func unwrap(_ wrapped: [UInt8], for tenant: String) throws(SecretError) -> DataKey {
        DataKey(tenant: tenant, key: SymmetricKey(data: try open(wrapped, for: tenant)))
    }

    /// Wraps a tenant's data key with the first key of the ring. It stays the same data key, so that what it sealed opens as
    /// before.
    ///
    /// - Returns: the wrapped form to store instead; nil when the first key is the one that wrapped it.
    /// - Throws: ``SecretError/Code/unknownKey`` when no key of the ring opens it, ``SecretError/Code/notAuthentic`` when it was
    ///   wrapped for another tenant or changed.
    package func rewrap(_ wrapped: [UInt8], for tenant: String) throws(SecretError) -> [UInt8]? {
        guard !wrapped.starts(with: keys[0].id) else { return nil }
        let octets = try open(wrapped, for: tenant)
        return keys[0].id + (try SealedBox.seal(octets, with: keys[0].key, boundTo: Self.place(of: tenant)))
    }

    /// The ids of the keys, that of the one that wraps first.
    package var ids: [[UInt8]] { keys.map(\.id) }

    private func open(_ wrapped: [UInt8], for tenant: String) throws(SecretError) -> [UInt8] {
        guard wrapped.count > 8 else { throw SecretError(.malformedBox, "the wrapped data key is too short") }
        guard let outer = keys.first(where: { $0.id.elementsEqual(wrapped.prefix(8)) }) else {
            throw SecretError(.unknownKey, "the key that wrapped the data key is not in the key file")
        }
        return try SealedBox.open(Array(wrapped.dropFirst(8)), with: outer.key, boundTo: Self.place(of: tenant))
    }

    private static func place(of tenant: String) -> [UInt8] {
        SealedPlace(table: "tenant", id: tenant, column: "wrapped_data_key").context(of: tenant)
    }
}

extension Keyring {
    /// Wraps a data key that is there already, such as one that came from another installation.
    package func wrap(_ key: DataKey) throws(SecretError) -> [UInt8] {
        // Safe because the octets are copied out.
        let octets = unsafe key.key.withUnsafeBytes { unsafe Array($0) }
        return keys[0].id + (try SealedBox.seal(octets, with: keys[0].key, boundTo: Self.place(of: key.tenant)))
    }
}
