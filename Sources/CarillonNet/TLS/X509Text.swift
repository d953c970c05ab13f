internal import CarillonCOpenSSL

/// Parts of a certificate as text for log lines.
enum X509Text {
    /// The distinguished name of the subject (RFC 2253); "no subject" when it is empty.
    static func subject(_ certificate: OpaquePointer) -> String {
        let text = withMemory { carillon_x509_name_print($0, X509_get_subject_name(certificate)) }
        return text.isEmpty ? "no subject" : text
    }

    /// A point in time, such as `Dec  1 12:00:00 2026 GMT`.
    static func time(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        withMemory { ASN1_TIME_print($0, time) }
    }

    private static func withMemory(_ write: (OpaquePointer) -> CInt) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(memory) }
        _ = write(memory)
        var text = [UInt8](repeating: 0, count: 256)
        let count = BIO_read(memory, &text, CInt(text.count))
        return String(decoding: text.prefix(max(0, Int(count))), as: UTF8.self)
    }
}
