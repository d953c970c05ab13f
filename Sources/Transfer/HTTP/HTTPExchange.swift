internal import CLibCurl
internal import CarillonNet

/// One HTTP request under way. Confined to its loop's thread.
final class HTTPExchange: CurlTransfer {
    private let request: HTTPTransfer
    private let url: ParsedURL
    private let multi: CurlMulti
    private var watchdog: Watchdog?
    private var onEnd: ((Result<HTTPReply, TransferError>) -> Void)?

    private var hasBegun = false
    private var bodyOffset = 0
    private var headers: [HTTPField] = []
    private var headerBytes = 0
    private var isHeaderTooLarge = false
    private var responseBody: [UInt8] = []
    private var isBodyTruncated = false

    /// All header bytes of an answer together, those of interim answers included.
    private static let headerLimit = 64 << 10

    /// Makes an exchange that is not begun yet.
    init(_ request: HTTPTransfer, url: ParsedURL, loop: EventLoop, multi: CurlMulti) {
        self.request = request
        self.url = url
        self.multi = multi
        super.init(addresses: request.addresses)
        watchdog = Watchdog(loop: loop) { [unowned self] in abandon(.timeout) }
    }

    /// Begins; the answer comes once, later, never from within this call.
    func begin(_ onEnd: @escaping (Result<HTTPReply, TransferError>) -> Void) {
        self.onEnd = onEnd
        check(carillon_curl_set_pointer(easy, CURLOPT_CURLU, UnsafeMutableRawPointer(url.handle)))
        set(CURLOPT_PROTOCOLS_STR, request.allowsPlaintext ? "http,https" : "https")
        set(CURLOPT_FOLLOWLOCATION, false)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, true)
        set(CURLOPT_HTTP_VERSION, carillon_curl_http_2_over_tls())
        requireTrust(in: request.trustedCertificates)
        if request.method == .post {
            set(CURLOPT_POST, true)
            // The body comes from a callback that cannot be rewound: libcurl would otherwise repeat the request by
            // itself when a reused connection turns out to be dead, although the server may have acted on it.
            check(carillon_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)))
        }
        // Empty: no waiting for "100 Continue", and no type that nobody chose.
        var lines = ["Expect:"]
        if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            lines.append("Content-Type:")
        }
        lines += request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        set(CURLOPT_HTTPHEADER, list: lines)
        watchdog?.start(request.timeouts.connect)
        multi.add(self)
    }

    /// Gives up and closes the connection.
    func abandon(_ code: TransferError.Code) {
        end(.failure(failure(code)))
    }

    /// Ends without telling anybody.
    func close() {
        onEnd = nil
        watchdog?.stop()
        multi.remove(self)
    }

    // MARK: Callbacks of libcurl

    override func requestBegins() {
        hasBegun = true
        watchdog?.start(request.timeouts.silence)
    }

    override func supply(_ space: UnsafeMutableRawBufferPointer) -> Int {
        watchdog?.touch()
        let count = min(space.count, request.body.count - bodyOffset)
        request.body.withUnsafeBytes { body in
            // Safe because `count` bytes are left in the body and fit into the space.
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: body[bodyOffset..<bodyOffset + count]))
        }
        bodyOffset += count
        return count
    }

    override func received(header: UnsafeRawBufferPointer) -> Bool {
        watchdog?.touch()
        headerBytes += header.count
        guard headerBytes <= Self.headerLimit else {
            isHeaderTooLarge = true
            return false
        }
        let line = String(decoding: header, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A new answer begins; what came before was an interim one (1xx).
            headers.removeAll()
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let end = value.lastIndex { !$0.isWhitespace }
            headers.append(HTTPField(line[..<colon].lowercased(), end.map { String(value[...$0]) } ?? ""))
        }
        return true
    }

    override func received(body: UnsafeRawBufferPointer) -> Bool {
        watchdog?.touch()
        let space = request.bodyLimit - responseBody.count
        responseBody.append(contentsOf: body.prefix(space))
        isBodyTruncated = body.count > space
        return !isBodyTruncated
    }

    override func finished(_ result: CURLcode) {
        let status = carillon_curl_get_long(easy, CURLINFO_RESPONSE_CODE)
        if result == CURLE_OK || isBodyTruncated, status >= 200 {
            let reply = HTTPReply(
                status: status, headers: headers, body: responseBody, isBodyTruncated: isBodyTruncated)
            return end(.success(reply))
        }
        if isHeaderTooLarge { return end(.failure(failure(.responseTooLarge))) }
        let code = ConnectFailure.code(result, wasAddressRefused: wasAddressRefused)
        end(.failure(failure(code, libraryCode: result.rawValue)))
    }

    // MARK: Ends

    private func failure(_ code: TransferError.Code, libraryCode: UInt32? = nil) -> TransferError {
        TransferError(
            code, phase: hasBegun ? .exchange : .connecting, isOutcomeUnknown: hasBegun && request.method == .post,
            libraryCode: libraryCode)
    }

    private func end(_ result: Result<HTTPReply, TransferError>) {
        let ended = onEnd
        close()
        ended?(result)
    }
}
