internal import CLibCurl
internal import CarillonNet

/// One easy handle with the callbacks libcurl makes for it, as methods to override.
///
/// The handle's user pointer is this object, unretained: safe because ``CurlMulti`` holds every transfer from `add` to
/// `remove`, and libcurl calls back only in between. No callback may call into libcurl.
/// Confined to its loop's thread.
class CurlTransfer {
    let easy: UnsafeMutableRawPointer
    private let addresses: AddressPolicy
    private(set) var wasAddressRefused = false
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

    /// Makes a handle whose sockets may go only where the policy allows.
    init(addresses: AddressPolicy) {
        guard let easy = curl_easy_init() else { preconditionFailure("libcurl is out of memory") }
        self.easy = easy
        self.addresses = addresses
        let this = Unmanaged.passUnretained(self).toOpaque()
        set(CURLOPT_NOSIGNAL, true)
        set(CURLOPT_PROXY, "")  // else the environment's http_proxy and its kin decide where credentials go
        set(CURLOPT_TCP_KEEPALIVE, true)
        check(carillon_curl_set_quick_exit(easy))
        check(carillon_curl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, this))
        check(
            carillon_curl_set_open_socket(easy) { data, _, address in
                guard let data, let address else { return carillon_curl_socket_bad() }
                return Unmanaged<CurlTransfer>.fromOpaque(data).takeUnretainedValue().openSocket(address)
            })
        check(carillon_curl_set_pointer(easy, CURLOPT_HEADERDATA, this))
        check(
            carillon_curl_set_header(easy) { bytes, size, count, data in
                guard let data, let bytes else { return 0 }
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<CurlTransfer>.fromOpaque(data).takeUnretainedValue().received(header: line)
                    ? size * count : 0
            })
        check(carillon_curl_set_pointer(easy, CURLOPT_WRITEDATA, this))
        check(
            carillon_curl_set_write(easy) { bytes, size, count, data in
                guard let data, let bytes else { return 0 }
                let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<CurlTransfer>.fromOpaque(data).takeUnretainedValue().received(body: piece)
                    ? size * count : 0
            })
        check(carillon_curl_set_pointer(easy, CURLOPT_READDATA, this))
        check(
            carillon_curl_set_read(easy) { bytes, size, count, data in
                guard let data, let bytes else { return 0 }
                let space = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<CurlTransfer>.fromOpaque(data).takeUnretainedValue().supply(space)
            })
        check(carillon_curl_set_pointer(easy, CURLOPT_PREREQDATA, this))
        check(
            carillon_curl_set_prerequest(easy) { data, _, _, _, _ in
                guard let data else { return CURL_PREREQFUNC_ABORT }
                Unmanaged<CurlTransfer>.fromOpaque(data).takeUnretainedValue().requestBegins()
                return CURL_PREREQFUNC_OK
            })
    }

    deinit {
        curl_easy_cleanup(easy)
        for list in lists { curl_slist_free_all(list) }
    }

    // MARK: For subclasses

    /// A header line of an HTTP answer or a reply line of an SMTP server, line end included. `false` ends the transfer.
    func received(header: UnsafeRawBufferPointer) -> Bool { true }
    /// A piece of the answer's body. `false` ends the transfer.
    func received(body: UnsafeRawBufferPointer) -> Bool { true }
    /// Fills the space with bytes of the request's body and returns how many; 0 is its end.
    func supply(_ space: UnsafeMutableRawBufferPointer) -> Int { 0 }
    /// The connection stands, the request begins.
    func requestBegins() {}
    /// libcurl is done with the transfer. Called outside of libcurl, which may be called from here.
    func finished(_ result: CURLcode) {}

    // MARK: Options

    func set(_ option: CURLoption, _ value: Bool) {
        check(carillon_curl_set_long(easy, option, value ? 1 : 0))
    }

    func set(_ option: CURLoption, _ value: Int) {
        check(carillon_curl_set_long(easy, option, value))
    }

    func set(_ option: CURLoption, _ value: String?) {
        check(carillon_curl_set_string(easy, option, value))
    }

    /// Gives libcurl a list of strings, which lives as long as the handle.
    func set(_ option: CURLoption, list strings: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for string in strings {
            guard let longer = curl_slist_append(list, string) else { preconditionFailure("libcurl is out of memory") }
            list = longer
        }
        guard let list else { return }
        lists.append(list)
        check(carillon_curl_set_list(easy, option, list))
    }

    /// TLS 1.2 or newer with a verified certificate: of the given authorities, or of the system's.
    func requireTrust(in certificates: String?) {
        set(CURLOPT_SSLVERSION, carillon_curl_tls_1_2())
        set(CURLOPT_SSL_VERIFYPEER, true)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let certificates {
            var pem = certificates
            pem.withUTF8 { check(carillon_curl_set_blob(easy, CURLOPT_CAINFO_BLOB, $0.baseAddress, $0.count)) }
            // The directory of system certificates would be trusted in addition.
            set(CURLOPT_CAPATH, nil)
        } else if CurlLibrary.hasCertificateFile {
            // The file alone: libcurl keeps the parsed certificates between connections only then.
            set(CURLOPT_CAPATH, nil)
        }
    }

    /// An option that libcurl knows, with a value of its type, fails only for want of memory.
    func check(_ result: CURLcode) {
        precondition(result == CURLE_OK, "libcurl refused an option (\(result.rawValue))")
    }

    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.removeLast(16 - Int(carillon_curl_address_bytes(address, &bytes)))
        guard addresses.allows(bytes) else {
            wasAddressRefused = true
            return carillon_curl_socket_bad()
        }
        return carillon_curl_open_socket(address)
    }
}
