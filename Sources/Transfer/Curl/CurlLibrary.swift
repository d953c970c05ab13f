internal import CLibCurl

/// libcurl as a whole: initialised once in a process, and checked to be able to do what Carillon needs.
enum CurlLibrary {
    /// What the library at hand lacks; empty when it serves. The first use initialises it, on any thread.
    static let missing: [String] = {
        // Thread-safe since libcurl 7.84, and Swift runs this initialiser once.
        guard curl_global_init(carillon_curl_global_default()) == CURLE_OK else { return ["initialisation"] }
        carillon_ignore_broken_pipes()
        guard let info = carillon_curl_version()?.pointee else { return ["version information"] }
        var missing: [String] = []
        if info.version_num < 0x075500 { missing.append("version 7.85 or newer") }
        // Without it getaddrinfo would run on the loop.
        if info.features & CURL_VERSION_ASYNCHDNS == 0 { missing.append("a resolver that does not block") }
        if info.features & CURL_VERSION_SSL == 0 { missing.append("TLS") }
        let protocols = protocolNames(info.protocols)
        for name in ["smtp", "smtps", "http", "https"] where !protocols.contains(name) { missing.append(name) }
        return missing
    }()

    /// Whether the library was built with a file of trusted certificates.
    static let hasCertificateFile: Bool = carillon_curl_version()?.pointee.cainfo != nil

    private static func protocolNames(_ list: UnsafePointer<UnsafePointer<CChar>?>?) -> Set<String> {
        var names: Set<String> = []
        // Safe because libcurl ends the static list with NULL.
        guard var cursor = list else { return names }
        while let name = cursor.pointee {
            names.insert(String(cString: name))
            cursor += 1
        }
        return names
    }
}
