internal import CarillonCOpenSSL
internal import Synchronization

/// The keys of a server's session tickets, shared by all its connections on all loops.
final class TicketKeyring: Sendable {
    private let keys = Mutex(TicketKeys())

    /// Takes keys of a file, the sealing one first.
    func adopt(_ fresh: [TicketKey]) {
        keys.withLock { $0.adopt(fresh) }
    }

    /// Prepares OpenSSL's contexts for sealing a ticket; answers as the manual of `SSL_CTX_set_tlsext_ticket_key_evp_cb`
    /// wants it: 1, or -1 for an error.
    func seal(
        name: UnsafeMutablePointer<UInt8>, vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?
    ) -> CInt {
        guard RAND_bytes(vector, EVP_CIPHER_get_iv_length(Self.algorithm)) == 1 else { return -1 }
        let key = keys.withLock { $0.sealing(at: .current, fresh: Self.fresh) }
        UnsafeMutableRawBufferPointer(start: name, count: TicketKey.nameLength).copyBytes(from: key.name)
        guard EVP_EncryptInit_ex2(cipher, Self.algorithm, key.cipher, vector, nil) == 1 else { return -1 }
        return Self.setKey(of: mac, key) ? 1 : -1
    }

    /// Prepares OpenSSL's contexts for opening a ticket: 0 when its key is unknown, 1, 2 when the client should get a new
    /// one, or -1 for an error.
    func open(
        name: UnsafePointer<UInt8>, vector: UnsafePointer<UInt8>, _ cipher: OpaquePointer?, _ mac: OpaquePointer?
    ) -> CInt {
        let name = UnsafeRawBufferPointer(start: name, count: TicketKey.nameLength)
        let found = keys.withLock { $0.opening(name, at: .current) }
        let (key, answer): (TicketKey, CInt)
        switch found {
        case .unknown: return 0
        case .good(let good): (key, answer) = (good, 1)
        case .old(let old): (key, answer) = (old, 2)
        }
        guard EVP_DecryptInit_ex2(cipher, Self.algorithm, key.cipher, vector, nil) == 1 else { return -1 }
        return Self.setKey(of: mac, key) ? answer : -1
    }

    private static func setKey(of mac: OpaquePointer?, _ key: TicketKey) -> Bool {
        var octets = key.mac
        return carillon_evp_mac_set_hmac_sha256_key(mac, &octets, octets.count) == 1
    }

    private static func fresh() -> TicketKey {
        var octets = [UInt8](repeating: 0, count: TicketKey.length)
        precondition(RAND_priv_bytes(&octets, CInt(octets.count)) == 1, "OpenSSL has no randomness")
        return TicketKey(octets)
    }

    // Safe as unchecked because OpenSSL's algorithms are immutable; this one is fetched once and lives with the process.
    private struct Algorithm: @unchecked Sendable {
        let pointer: OpaquePointer?
    }
    private static let shared = Algorithm(pointer: EVP_CIPHER_fetch(nil, "AES-256-CBC", nil))
    private static var algorithm: OpaquePointer? { shared.pointer }
}
