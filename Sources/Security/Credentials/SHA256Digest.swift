internal import Crypto

/// SHA-256 as octets.
package enum SHA256Digest {
    /// The 32 octets of the digest.
    package static func of(_ octets: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: octets))
    }
}

/// Whether two byte strings are the same, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}
