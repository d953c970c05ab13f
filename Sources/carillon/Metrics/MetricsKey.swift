internal import Security

/// The word that whoever reads metrics has to know: `authorization: Bearer …`, as Prometheus' `credentials_file` has it.
struct MetricsKey: Sendable {
    /// Digests have one length, so that comparing them does not tell that of the key.
    private let digest: [UInt8]

    /// How long a key may be, in octets.
    static let lengths = 20...512

    /// A key; nil for what is too short to be one, too long, or cannot stand in a header field.
    init?(_ text: String) {
        guard Self.lengths.contains(text.utf8.count), text.utf8.allSatisfy({ (0x21..<0x7f).contains($0) }) else {
            return nil
        }
        digest = SHA256Digest.of(Array(text.utf8))
    }

    /// Whether a header field shows it.
    func matches(_ authorization: String?) -> Bool {
        guard let authorization, authorization.utf8.count <= Self.lengths.upperBound + 16 else { return false }
        let parts = authorization.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return constantTimeEqual(SHA256Digest.of(Array(parts[1].utf8)), digest)
    }
}
