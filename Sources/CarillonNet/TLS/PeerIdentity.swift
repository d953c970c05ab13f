internal import CarillonCOpenSSL

/// Who a peer is by its verified certificate: a SPIFFE ID (SPIFFE-ID §2, X509-SVID §2), such as
/// `spiffe://example.org/ns/shop/sa/orders`.
package struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The whole ID.
    package let id: String
    /// What comes between `spiffe://` and the path: who vouches for the workload.
    package let trustDomain: String
    /// The path, with its leading slash.
    package let path: String

    /// The whole ID.
    package var description: String { id }

    /// Why a certificate or a text is no identity: one line for the log.
    package enum Refusal: Error, Sendable, CustomStringConvertible {
        /// The certificate names no URI at all.
        case noURI
        /// The certificate names more than one URI, so nobody can say whom it means.
        case severalURIs(Int)
        /// The URI is not of the form `spiffe://trust-domain/path`.
        case malformed
        /// The certificate is an authority's, and must not speak for a workload.
        case authority
        /// The certificate is not for signatures, or does not say what it is for.
        case usage
        /// The certificate's time is over; met when an old session is resumed.
        case expired

        /// One line for the log.
        package var description: String {
            switch self {
            case .noURI: "it names no URI; exactly one spiffe:// URI is wanted"
            case .severalURIs(let count): "it names \(count) URIs; exactly one spiffe:// URI is wanted"
            case .malformed: "its URI is not of the form spiffe://trust-domain/path"
            case .authority: "it is the certificate of an authority, not of a workload"
            case .usage: "its key usage is without digitalSignature"
            case .expired: "its time is over"
            }
        }
    }

    /// Reads an ID, which is compared octet by octet and never normalised (SPIFFE-ID §2).
    package init(_ id: String) throws(Refusal) {
        let octets = Array(id.utf8)
        guard octets.count <= 2048, id.hasPrefix("spiffe://") else { throw .malformed }
        let rest = octets[9...]
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { throw .malformed }
        let domain = rest[..<slash]
        guard (1...255).contains(domain.count), domain.allSatisfy(Self.isOfDomain) else { throw .malformed }
        for segment in rest[(slash + 1)...].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            let dots = segment.count <= 2 && segment.allSatisfy { $0 == UInt8(ascii: ".") }
            guard !segment.isEmpty, !dots, segment.allSatisfy(Self.isOfPath) else { throw .malformed }
        }
        self.id = id
        trustDomain = String(decoding: domain, as: UTF8.self)
        path = String(decoding: rest[slash...], as: UTF8.self)
    }

    private static func isOfDomain(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isOfPath(_ octet: UInt8) -> Bool {
        isOfDomain(octet) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet)
    }
}

extension PeerIdentity {
    /// Reads the identity of a certificate whose chain was verified.
    init(certificate: OpaquePointer) throws(Refusal) {
        // X509-SVID §4.1 and §4.3: a leaf is no authority, must not sign certificates or revocation lists, and must have a
        // key usage that names digitalSignature. OpenSSL answers all bits for a certificate without one.
        let usage = X509_get_key_usage(certificate)
        let hasUsage = usage != UInt32.max
        let signs = hasUsage && usage & UInt32(KU_KEY_CERT_SIGN | KU_CRL_SIGN) != 0
        guard X509_check_ca(certificate) == 0, !signs else { throw .authority }
        guard hasUsage, usage & UInt32(KU_DIGITAL_SIGNATURE) != 0 else { throw .usage }
        guard X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 else { throw .expired }
        let uris = Self.uris(of: certificate)
        guard let uri = uris.first else { throw .noURI }
        guard uris.count == 1 else { throw .severalURIs(uris.count) }
        guard let text = String(validating: uri, as: UTF8.self) else { throw .malformed }
        try self.init(text)
    }

    private static func uris(of certificate: OpaquePointer) -> [[UInt8]] {
        guard let extensions = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(extensions)
        defer { GENERAL_NAMES_free(names) }
        var uris: [[UInt8]] = []
        for index in 0..<carillon_general_names_count(names) {
            var kind: CInt = 0
            let value = GENERAL_NAME_get0_value(carillon_general_names_at(names, index), &kind)
            guard kind == GEN_URI, let value else { continue }
            let string = UnsafeRawPointer(value).assumingMemoryBound(to: ASN1_IA5STRING.self)
            uris.append(
                Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
            )
        }
        return uris
    }
}
