internal import CarillonCNghttp2

extension HTTP2Session {
    /// Makes libnghttp2's part of a session with the limits set. Its callbacks reach the object, which must outlive it.
    static func make(isServer: Bool, limits: HTTP2Limits, for session: HTTP2Session) -> OpaquePointer? {
        var option: OpaquePointer?
        precondition(nghttp2_option_new(&option) == 0, "out of memory")
        defer { nghttp2_option_del(option) }
        // Windows are opened when octets were taken, not when they came.
        nghttp2_option_set_no_auto_window_update(option, 1)
        // Never reached: each reset takes from a bucket of ConnectionBudget, which says why it ends a session.
        nghttp2_option_set_stream_reset_rate_limit(option, 1 << 32, 1 << 32)
        nghttp2_option_set_max_continuations(option, limits.continuations)
        nghttp2_option_set_max_settings(option, limits.settings)
        nghttp2_option_set_max_outbound_ack(option, limits.outboundAcknowledgements)
        // The priority tree of RFC 7540 is gone from RFC 9113; not keeping closed streams for it saves memory.
        nghttp2_option_set_no_closed_streams(option, 1)
        // A server checks requests itself, each field once: see RequestRules.
        nghttp2_option_set_no_http_messaging(option, isServer ? 1 : 0)
        var pointer: OpaquePointer?
        // Safe unretained: the object deletes the pointer before it goes.
        let data = Unmanaged.passUnretained(session).toOpaque()
        // libnghttp2 copies the table of functions.
        var memory = session.pool.memory.functions
        let result =
            isServer
            ? nghttp2_session_server_new3(&pointer, HTTP2Callbacks.table, data, option, &memory)
            : nghttp2_session_client_new3(&pointer, HTTP2Callbacks.table, data, option, &memory)
        precondition(result == 0, "out of memory")
        return pointer
    }

    /// Queues the SETTINGS frame and opens the connection's window.
    package func submitSettings() {
        var entries: [nghttp2_settings_entry] = [
            .init(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(limits.streamWindow)),
            .init(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(limits.headerListSize)),
        ]
        if isServer {
            entries.append(.init(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams))
            entries.append(.init(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1))
        } else {
            entries.append(.init(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        demand(nghttp2_submit_settings(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count))
        demand(
            nghttp2_session_set_local_window_size(
                pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, limits.connectionWindow))
    }
}

extension nghttp2_settings_entry {
    fileprivate init(_ id: nghttp2_settings_id, _ value: UInt32) {
        self.init(settings_id: Int32(id.rawValue), value: value)
    }
}
