internal import Security

/// What an `authorization` header carries.
enum BearerToken {
    case key(APIKey)
    case portal(PortalToken)

    /// Reads the header (RFC 6750 §2.1); nil for everything that cannot be a credential of ours. Nothing of it is kept in
    /// a message or a log.
    init?(header: UnsafeRawBufferPointer) {
        let scheme: StaticString = "bearer "
        // Safe because every place that is read lies below the header's count.
        guard header.count > scheme.utf8CodeUnitCount, header.count <= PortalToken.greatestLength + 16 else {
            return nil
        }
        for place in 0..<scheme.utf8CodeUnitCount {
            // The scheme's name is compared without regard to case (RFC 9110 §11.1).
            let octet = unsafe header[place]
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet) ? octet | 0x20 : octet
            guard unsafe lower == scheme.utf8Start[place] else { return nil }
        }
        let token = unsafe Array(header[scheme.utf8CodeUnitCount...])
        if let key = APIKey(token) {
            self = .key(key)
        } else if let portal = PortalToken(token) {
            self = .portal(portal)
        } else {
            return nil
        }
    }
}
