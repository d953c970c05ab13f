internal import CarillonCNghttp2

/// The functions that libnghttp2 calls. The table is made once and shared by every session.
///
/// They run while libnghttp2 is in `mem_recv` or `mem_send`: they may submit frames, but must not call either again
/// nor free the session (libnghttp2 programmers' guide).
enum HTTP2Callbacks {
    // Safe as unchecked because the table is not changed after it was made, and libnghttp2 copies it into each session.
    private struct Table: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    static var table: OpaquePointer { shared.pointer }

    private static let shared: Table = {
        var callbacks: OpaquePointer?
        precondition(nghttp2_session_callbacks_new(&callbacks) == 0, "out of memory")
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders)
        nghttp2_session_callbacks_set_on_header_callback2(callbacks, header)
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frameReceived)
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, dataReceived)
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frameSent)
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, streamClosed)
        return Table(pointer: callbacks.unsafelyUnwrapped)
    }()

    /// The session that a callback is for, without counting a reference: it deletes libnghttp2's part before it goes.
    private static func session(_ data: UnsafeMutableRawPointer?) -> Unmanaged<HTTP2Session> {
        Unmanaged.fromOpaque(data.unsafelyUnwrapped)
    }

    /// The stream with a number, as above: it is retained from its beginning to its close callback. Several calls in a row
    /// are for one stream, so libnghttp2 is asked once for them.
    private static func stream(_ session: HTTP2Session, _ id: Int32) -> Unmanaged<HTTP2Stream>? {
        if session.currentID == id { return session.current }
        guard let user = nghttp2_session_get_stream_user_data(session.pointer, id) else { return nil }
        session.current = .fromOpaque(user)
        session.currentID = id
        return session.current
    }

    /// The stream with a number, for those who keep it.
    static func stream(_ pointer: OpaquePointer?, _ id: Int32) -> HTTP2Stream? {
        nghttp2_session_get_stream_user_data(pointer, id).map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
    }

    private static let beginHeaders: nghttp2_on_begin_headers_callback = { _, frame, data in
        guard let frame else { return 0 }
        session(data)._withUnsafeGuaranteedRef {
            $0.beginHeaders(
                streamID: frame.pointee.hd.stream_id, isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST)
        }
        return 0
    }

    private static let header: nghttp2_on_header_callback2 = { _, _, name, value, _, data in
        guard let name, let value else { return 0 }
        return session(data)._withUnsafeGuaranteedRef { $0.header(name, value) }
    }

    private static let frameReceived: nghttp2_on_frame_recv_callback = { _, frame, data in
        guard let frame else { return 0 }
        return session(data)._withUnsafeGuaranteedRef {
            received(frame, $0)
            return $0.readingAnswer
        }
    }

    private static func received(_ frame: UnsafePointer<nghttp2_frame>, _ session: HTTP2Session) {
        let head = frame.pointee.hd
        switch nghttp2_frame_type(rawValue: UInt32(head.type)) {
        case NGHTTP2_HEADERS:
            let endsStream = head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            let found = stream(session, head.stream_id)
            found?._withUnsafeGuaranteedRef { session.headersComplete($0, endsStream: endsStream) }
        case NGHTTP2_DATA:
            if head.length > 0 { session.dataReceived(head.length - frame.pointee.data.padlen) }
            guard head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 else { return }
            let found = stream(session, head.stream_id)
            found?._withUnsafeGuaranteedRef { session.receiveEnded($0) }
        case NGHTTP2_PING:
            let isAnswer = head.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
            if isAnswer { session.pongReceived(frame.pointee.ping) } else { session.pingReceived() }
        case NGHTTP2_RST_STREAM:
            let found = stream(session, head.stream_id)
            found?._withUnsafeGuaranteedRef { session.resetReceived($0) }
        case NGHTTP2_GOAWAY:
            session.goAwayReceived(HTTP2GoAway(frame.pointee.goaway))
        case NGHTTP2_SETTINGS:
            let isAnswer = head.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
            if isAnswer {
                session.conduct.hasAcknowledgedSettings = true
            } else {
                session.settingsReceived(changesWindows: setsWindow(frame.pointee.settings))
            }
        default: break
        }
    }

    /// Whether SETTINGS change the windows of streams.
    private static func setsWindow(_ settings: nghttp2_settings) -> Bool {
        let name = Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue)
        return UnsafeBufferPointer(start: settings.iv, count: settings.niv).contains { $0.settings_id == name }
    }

    private static let dataReceived: nghttp2_on_data_chunk_recv_callback = { pointer, _, id, bytes, count, data in
        // The connection's window is opened at once, the stream's when the call takes the octets: a slow call does not
        // hold up its neighbours.
        nghttp2_session_consume_connection(pointer, count)
        session(data)._withUnsafeGuaranteedRef { session in
            stream(session, id)?._withUnsafeGuaranteedRef {
                session.bodyReceived($0, UnsafeRawBufferPointer(start: bytes, count: count))
            }
        }
        return 0
    }

    private static let frameSent: nghttp2_on_frame_send_callback = { pointer, frame, data in
        guard let frame else { return 0 }
        let head = frame.pointee.hd
        session(data)._withUnsafeGuaranteedRef { session in
            switch nghttp2_frame_type(rawValue: UInt32(head.type)) {
            case NGHTTP2_HEADERS, NGHTTP2_DATA:
                session.partOfCallSent()
                if !session.isServer, head.type == UInt8(NGHTTP2_HEADERS.rawValue) {
                    let found: HTTP2Stream? = stream(pointer, head.stream_id)
                    found?.hasSentHeaders = true
                }
                guard head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 else { return }
                session.sendEnded(streamID: head.stream_id)
            case NGHTTP2_RST_STREAM:
                session.resetSent(head.stream_id, HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code))
            case NGHTTP2_GOAWAY: session.conduct.sentGoAway = HTTP2GoAway(frame.pointee.goaway)
            default: break
            }
        }
        return 0
    }

    private static let streamClosed: nghttp2_on_stream_close_callback = { pointer, id, code, data in
        guard let user = nghttp2_session_get_stream_user_data(pointer, id) else { return 0 }
        nghttp2_session_set_stream_user_data(pointer, id, nil)
        let held = Unmanaged<HTTP2Stream>.fromOpaque(user)
        session(data)._withUnsafeGuaranteedRef { session in
            held._withUnsafeGuaranteedRef { stream in
                let isGood = code == HTTP2ErrorCode.noError.rawValue && !stream.isResetByPeer
                if isGood { session.conduct.budget.streamCompleted() }
                session.closed(stream, HTTP2ErrorCode(rawValue: code))
            }
            session.pool.recycle(held)
        }
        return 0
    }

    static let readBody: nghttp2_data_source_read_callback = { pointer, id, buffer, length, flags, source, data in
        guard let source, let buffer, let flags, let pointer = source.pointee.ptr else { return 0 }
        let room = UnsafeMutableRawBufferPointer(start: buffer, count: length)
        return session(data)._withUnsafeGuaranteedRef { session in
            Unmanaged<HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef {
                session.readBody($0, into: room, flags)
            }
        }
    }
}
