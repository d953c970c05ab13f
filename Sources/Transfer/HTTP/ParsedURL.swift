internal import CLibCurl

/// A URL taken apart once, by the parser that also connects: two parsers that disagree are how filters are bypassed.
final class ParsedURL {
    /// libcurl's handle, which must outlive the transfer that uses it.
    let handle: OpaquePointer
    /// Lower case.
    let scheme: String
    /// `scheme://host:port`, which tells connections apart.
    let origin: String

    /// Takes an absolute URL apart; `nil` if it is none, or is not http or https, or holds a user or password.
    init?(_ text: String) {
        guard !text.utf8.contains(0), let handle = curl_url() else { return nil }
        self.handle = handle
        let part = { (part: CURLUPart, flags: UInt32) -> String? in
            var value: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &value, flags) == CURLUE_OK, let value else { return nil }
            defer { curl_free(value) }
            return String(cString: value)
        }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = part(CURLUPART_SCHEME, 0)?.lowercased(), scheme == "https" || scheme == "http",
            part(CURLUPART_USER, 0) == nil, part(CURLUPART_PASSWORD, 0) == nil,
            let host = part(CURLUPART_HOST, 0), !host.isEmpty,
            let port = part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT))
        else {
            curl_url_cleanup(handle)
            return nil
        }
        self.scheme = scheme
        origin = "\(scheme)://\(host.lowercased()):\(port)"
    }

    deinit {
        curl_url_cleanup(handle)
    }
}
