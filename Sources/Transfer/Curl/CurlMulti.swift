internal import CLibCurl
internal import CarillonNet

/// libcurl's multi interface driven by an event loop: libcurl says which descriptors and which time it waits for, the
/// loop says when they have come (`curl_multi_socket_action`). Nothing here blocks.
///
/// Confined to its loop's thread.
final class CurlMulti {
    private let loop: EventLoop
    private let multi: UnsafeMutableRawPointer
    private var watches: [curl_socket_t: DescriptorWatch] = [:]
    private var timer: LoopTimer?
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private var isClosed = false

    /// Makes a multi handle that keeps at most so many connections.
    init(loop: EventLoop, connections: Int) {
        guard let multi = curl_multi_init() else { preconditionFailure("libcurl is out of memory") }
        self.loop = loop
        self.multi = multi
        carillon_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, connections)
        // Safe unretained: close() ends all callbacks, and deinit insists on it.
        let this = Unmanaged.passUnretained(self).toOpaque()
        carillon_curl_multi_set_sockets(
            multi,
            { _, descriptor, what, data, _ in
                guard let data else { return 0 }
                Unmanaged<CurlMulti>.fromOpaque(data).takeUnretainedValue().wait(for: what, on: descriptor)
                return 0
            }, this)
        carillon_curl_multi_set_timer(
            multi,
            { _, milliseconds, data in
                guard let data else { return 0 }
                Unmanaged<CurlMulti>.fromOpaque(data).takeUnretainedValue().wait(milliseconds: milliseconds)
                return 0
            }, this)
    }

    deinit {
        assert(isClosed, "a multi handle was dropped without close()")
    }

    /// Begins a transfer. Its `finished` comes later, never from within this call.
    func add(_ transfer: CurlTransfer) {
        loop.assertOnLoop()
        transfers[transfer.easy] = transfer
        let result = curl_multi_add_handle(multi, transfer.easy)
        precondition(result == CURLM_OK, "libcurl refused a transfer (\(result.rawValue))")
    }

    /// Ends a transfer wherever it stands; no callback comes after. The connection of a transfer that is not done, or
    /// that was made with CURLOPT_CONNECT_ONLY, is closed.
    func remove(_ transfer: CurlTransfer) {
        loop.assertOnLoop()
        // Held until libcurl is done with it: the callbacks' pointer is not retained.
        guard let held = transfers[transfer.easy] else { return }
        curl_multi_remove_handle(multi, held.easy)
        transfers[held.easy] = nil
    }

    /// Ends all transfers and frees the handle and its connections.
    func close() {
        loop.assertOnLoop()
        guard !isClosed else { return }
        isClosed = true
        for transfer in transfers.values { curl_multi_remove_handle(multi, transfer.easy) }
        curl_multi_cleanup(multi)
        transfers = [:]
        timer?.cancel()
        for watch in watches.values { watch.close() }
        watches = [:]
    }

    // MARK: What libcurl waits for; called from within libcurl

    private func wait(for what: CInt, on descriptor: curl_socket_t) {
        if what == CURL_POLL_REMOVE {
            watches.removeValue(forKey: descriptor)?.close()
            return
        }
        var interest: ReadyEvents = []
        if what & CURL_POLL_IN != 0 { interest.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.writable) }
        let watch =
            watches[descriptor]
            ?? loop.watch(descriptor: descriptor) { [unowned self] events in ready(descriptor, events) }
        watches[descriptor] = watch
        watch.interest = interest
    }

    private func wait(milliseconds: Int) {
        timer?.cancel()
        timer = nil
        guard milliseconds >= 0, !isClosed else { return }
        timer = loop.schedule(after: .milliseconds(milliseconds)) { [unowned self] in
            act(carillon_curl_socket_timeout(), 0)
        }
    }

    // MARK: What has come

    private func ready(_ descriptor: curl_socket_t, _ events: ReadyEvents) {
        var mask: CInt = 0
        if events.contains(.readable) { mask |= CURL_CSELECT_IN }
        if events.contains(.writable) { mask |= CURL_CSELECT_OUT }
        act(descriptor, mask)
    }

    private func act(_ descriptor: curl_socket_t, _ events: CInt) {
        guard !isClosed else { return }
        var running: CInt = 0
        curl_multi_socket_action(multi, descriptor, events, &running)
        var left: CInt = 0
        while !isClosed, let message = curl_multi_info_read(multi, &left) {
            // The message is gone as soon as its handle is removed: what it says is taken out first.
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = carillon_curl_message_result(message)
            transfers[easy]?.finished(result)
        }
    }
}
