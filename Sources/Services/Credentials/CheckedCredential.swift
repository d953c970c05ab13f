/// The credential that was checked last on a connection: most connections use one for all of their calls, which are then
/// let in by comparing octets.
final class CheckedCredential {
    /// What says who a call is from. The connection's certificate is not part of it, since it never changes.
    struct Octets {
        /// The field `authorization`; nil when it was the certificate.
        let authorization: [UInt8]?
        /// The field `carillon-tenant`; nil when there was none.
        let tenant: [UInt8]?
        /// Whether the method was one for operators; only for certificates, which speak for the platform there and for a
        /// tenant elsewhere.
        let isForPlatform: Bool
    }

    let caller: Caller
    /// The count of ``Authenticator`` when the credential was checked: everything older than a revocation is looked up again.
    let epoch: Int
    private let octets: Octets

    init(_ octets: Octets, _ caller: Caller, epoch: Int) {
        self.octets = octets
        self.caller = caller
        self.epoch = epoch
    }

    /// Whether a call comes with the same.
    func isSame(
        authorization: UnsafeRawBufferPointer?, tenant: UnsafeRawBufferPointer?, isForPlatform: Bool
    ) -> Bool {
        guard unsafe Self.isSame(octets.authorization, authorization), unsafe Self.isSame(octets.tenant, tenant) else {
            return false
        }
        return octets.authorization != nil || octets.isForPlatform == isForPlatform
    }

    private static func isSame(_ octets: [UInt8]?, _ field: UnsafeRawBufferPointer?) -> Bool {
        guard let octets else { return unsafe field == nil }
        guard let field = unsafe field else { return false }
        return unsafe field.count == octets.count && octets.withUnsafeBytes { unsafe $0.elementsEqual(field) }
    }
}
