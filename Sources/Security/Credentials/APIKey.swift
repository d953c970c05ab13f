/// A key that a program calls with: `cr_live_<key id>_<secret>_<checksum>` for a tenant, `cr_adm_…` for an operator.
///
/// The id (10 characters) may be shown and logged. The secret (32 characters, 190 bits) is known to its owner only; the
/// registry keeps its SHA-256, which needs no slow hash because nobody can guess 190 bits. The checksum (6 characters)
/// stands for CRC32 of everything before the last underscore: typing errors and look-alikes are told without asking
/// anybody.
package struct APIKey: Sendable, Hashable {
    /// Whom a key speaks for.
    package enum Kind: Sendable, Hashable {
        /// A tenant.
        case live
        /// An operator of the service.
        case admin

        // Read for each call: short literals cost no allocation.
        fileprivate var prefix: String {
            switch self {
            case .live: "cr_live_"
            case .admin: "cr_adm_"
            }
        }

        /// The kind whose prefix some octets begin with.
        fileprivate init?(prefixing octets: [UInt8]) {
            if octets.starts(with: Self.live.prefix.utf8) {
                self = .live
            } else if octets.starts(with: Self.admin.prefix.utf8) {
                self = .admin
            } else {
                return nil
            }
        }
    }

    /// Whom it speaks for.
    package let kind: Kind
    /// Names the key; not secret.
    package let keyID: String
    private let secret: [UInt8]

    private init(kind: Kind, keyID: [UInt8], secret: [UInt8]) {
        self.kind = kind
        self.keyID = String(decoding: keyID, as: UTF8.self)
        self.secret = secret
    }

    /// Makes a new key.
    ///
    /// - Parameter randomness: gives 64 bits at a time, from a source fit for secrets.
    package static func generate(_ kind: Kind, randomness: () -> UInt64) -> APIKey {
        APIKey(
            kind: kind, keyID: Base62.random(idLength, randomness), secret: Base62.random(secretLength, randomness))
    }

    /// Reads a key; nil when anything about it is not exactly right, the checksum included.
    package init?(_ octets: [UInt8]) {
        guard let kind = Kind(prefixing: octets) else { return nil }
        let idStart = kind.prefix.utf8.count
        let secretStart = idStart + Self.idLength + 1
        let checksumStart = secretStart + Self.secretLength + 1
        let underscore = UInt8(ascii: "_")
        guard octets.count == checksumStart + Self.checksumLength, octets[secretStart - 1] == underscore,
            octets[checksumStart - 1] == underscore
        else { return nil }
        let id = octets[idStart..<(secretStart - 1)]
        let secret = octets[secretStart..<(checksumStart - 1)]
        guard Base62.areAll(id), Base62.areAll(secret),
            octets[checksumStart...] == Self.checksum(of: octets[..<(checksumStart - 1)])[...]
        else { return nil }
        self.init(kind: kind, keyID: Array(id), secret: Array(secret))
    }

    /// The whole key. It is shown to its owner once and never logged.
    package var text: String {
        let body = "\(kind.prefix)\(keyID)_\(String(decoding: secret, as: UTF8.self))"
        return "\(body)_\(String(decoding: Self.checksum(of: Array(body.utf8)[...]), as: UTF8.self))"
    }

    /// SHA-256 of the secret: what is stored.
    package var secretHash: [UInt8] { SHA256Digest.of(secret) }

    /// The last four characters of the secret, by which its owner tells keys apart.
    package var lastFour: String { String(decoding: secret.suffix(4), as: UTF8.self) }

    /// Whether the secret is the one that a stored hash was made of. The time it takes does not depend on the hash.
    package func matches(hash: [UInt8]) -> Bool {
        constantTimeEqual(secretHash, hash)
    }

    private static let idLength = 10
    private static let secretLength = 32
    private static let checksumLength = 6

    private static func checksum(of octets: ArraySlice<UInt8>) -> [UInt8] {
        Base62.digits(of: CRC32.of(octets), width: checksumLength)
    }
}

extension APIKey: CustomStringConvertible {
    /// The prefix and the id; never the secret.
    package var description: String { "\(kind.prefix)\(keyID)_…" }
}
