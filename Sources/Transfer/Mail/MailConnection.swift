internal import CLibCurl
internal import CarillonNet

/// One SMTP session. libcurl opens it (name, TCP, TLS or STARTTLS, greeting, EHLO, AUTH) as a CURLOPT_CONNECT_ONLY
/// transfer; after that the messages are ours, over `curl_easy_send` and `curl_easy_recv`.
///
/// libcurl's own sending of mail does not serve on a loop: it waits for the answer to the end of a message with the
/// thread blocked, and giving up a half-sent message sends its end, so that the half is delivered as the whole (both seen
/// with 7.88; the first is in libcurl-multi(3) under BLOCKING).
///
/// States: connecting → idle ⇄ busy → closed. Confined to its loop's thread.
final class MailConnection: CurlTransfer {
    /// How the session's part for one message ended.
    enum Outcome {
        case accepted(MailReceipt)
        /// Failed. `isUntouched` says that the server did not react to this message at all on a session that had been
        /// idle, so that another session may be tried at once.
        case failed(TransferError, isUntouched: Bool)
    }

    private enum State {
        case connecting
        case idle
        case busy
        case closed
    }

    let route: MailRoute
    private let loop: EventLoop
    private let multi: CurlMulti
    private var state = State.connecting
    private var parser = SMTPReplyParser()
    private var input = [UInt8](repeating: 0, count: 4096)
    private var hasMoreReplies = false
    private var watch: DescriptorWatch?
    private var watchdog: Watchdog?

    // Facts of the opening.
    private var lastReply: SMTPReply?
    private var isAuthenticated = false
    private var capabilities = SMTPCapabilities.none
    private var onOpen: ((TransferError?) -> Void)?

    // Facts of the message under way.
    private var conversation: SMTPConversation?
    private var message: [UInt8] = []
    private var output: [UInt8] = []
    private var outputOffset = 0
    private var isSendingMessage = false
    private var onEnd: ((Outcome) -> Void)?
    private var needsReset = false
    private var carried = 0

    /// Called once when an idle session ends by itself.
    var onIdleEnd: (() -> Void)?
    /// When the session became idle, for the choice of the one to give up.
    private(set) var idleSince: MonotonicTime

    /// Makes a session that is not opened yet.
    init(route: MailRoute, loop: EventLoop, multi: CurlMulti) {
        self.route = route
        self.loop = loop
        self.multi = multi
        idleSince = loop.now
        super.init(addresses: route.addresses)
        watchdog = Watchdog(loop: loop) { [unowned self] in fellSilent() }
    }

    /// Whether the session can carry another message.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    // MARK: Opening

    /// Opens the session; the answer comes later, never from within this call. `nil` is success.
    func open(timeout: Duration, _ onOpen: @escaping (TransferError?) -> Void) {
        self.onOpen = onOpen
        set(CURLOPT_URL, route.url)
        set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        set(CURLOPT_CONNECT_ONLY, true)
        if route.security != .none {
            set(CURLOPT_USE_SSL, carillon_curl_require_tls())
            requireTrust(in: route.trustedCertificates)
        }
        if let credentials = route.credentials {
            set(CURLOPT_USERNAME, credentials.user)
            set(CURLOPT_PASSWORD, credentials.password)
        }
        watchdog?.start(timeout)
        multi.add(self)
    }

    override func received(header: UnsafeRawBufferPointer) -> Bool {
        guard let replies = try? parser.receive(header) else { return false }
        for reply in replies {
            lastReply = SMTPReply(code: reply.code, lines: reply.lines)
            if reply.code == 235 { isAuthenticated = true }
            // Before the first message only EHLO (and HELO) are answered with 250; the last one counts, as a server may
            // offer more behind STARTTLS.
            if reply.code == 250 { capabilities = SMTPCapabilities(lines: reply.lines) }
        }
        return true
    }

    override func finished(_ result: CURLcode) {
        guard case .connecting = state else { return }
        guard result == CURLE_OK else {
            let code = ConnectFailure.code(result, wasAddressRefused: wasAddressRefused, reply: lastReply)
            return failOpening(code, libraryCode: result.rawValue)
        }
        if route.credentials != nil, !isAuthenticated { return failOpening(.authenticationRefused) }
        let socket = carillon_curl_get_socket(easy)
        guard socket != carillon_curl_socket_bad(), !parser.isInside else { return failOpening(.protocolViolation) }
        // The first call attaches the session to this handle. Until then libcurl may take it for an unused one and
        // close it. Bytes that arrive unasked would be answers to nothing.
        guard case .nothing = receive() else { return failOpening(.protocolViolation) }
        becomeIdle()
        let watch = loop.watch(descriptor: socket) { [unowned self] events in ready(events) }
        watch.interest = .readable
        self.watch = watch
        let opened = onOpen
        onOpen = nil
        opened?(nil)
    }

    private func failOpening(_ code: TransferError.Code, libraryCode: UInt32? = nil) {
        let refusal = (lastReply?.code ?? 0) >= 400 ? lastReply : nil
        let opened = onOpen
        close()
        opened?(TransferError(code, phase: .connecting, reply: refusal, libraryCode: libraryCode))
    }

    // MARK: A message

    /// Sends a message on an idle session; the answer comes once, perhaps from within this call.
    func send(_ transfer: MailTransfer, _ onEnd: @escaping (Outcome) -> Void) {
        precondition(isIdle, "a mail session carries one message at a time")
        state = .busy
        self.onEnd = onEnd
        message = MessageEncoding.transmitted(transfer.message)
        var conversation = SMTPConversation(
            sender: transfer.sender, recipient: transfer.recipient, size: message.count, capabilities: capabilities,
            needsReset: needsReset)
        let commands = conversation.begin()
        self.conversation = conversation
        watchdog?.start(transfer.timeouts.silence)
        write(commands)
    }

    /// Gives the message or the opening up and ends the session. What is known of the message is told as usual.
    func abandon(_ code: TransferError.Code) {
        switch state {
        case .connecting: failOpening(code)
        case .busy: lose(code)
        case .idle, .closed: close()
        }
    }

    /// Ends the session: an idle one politely, any other at once. Nobody is told.
    func close() {
        if case .closed = state { return }
        if case .idle = state {
            var sent = 0
            // Not waited for; libcurl does not wait either, as the handle is removed with its connection.
            _ = curl_easy_send(easy, "QUIT\r\n", 6, &sent)
        }
        state = .closed
        watchdog?.stop()
        watch?.close()
        watch = nil
        onOpen = nil
        onEnd = nil
        onIdleEnd = nil
        multi.remove(self)
    }

    private func becomeIdle() {
        state = .idle
        conversation = nil
        message = []
        output = []
        outputOffset = 0
        idleSince = loop.now
        watchdog?.stop()
    }

    /// Lets an idle session end by itself after a time without use.
    func expire(after timeout: Duration) {
        watchdog?.start(timeout)
    }

    private func fellSilent() {
        switch state {
        case .connecting: failOpening(.timeout)
        case .busy: lose(.timeout)
        case .idle: endIdle()
        case .closed: break
        }
    }

    private func endIdle() {
        let ended = onIdleEnd
        close()
        ended?()
    }

    private func ready(_ events: ReadyEvents) {
        if case .idle = state {
            // Whatever an unasked server says, or its silence for good: the session is over.
            return endIdle()
        }
        if outputOffset < output.count { flush() }
        // A reader is ready for an early answer too; reading what is not there costs one call.
        guard case .busy = state else { return }
        readReplies()
    }

    // MARK: Bytes

    private enum Reception {
        /// So many bytes of `input`.
        case bytes(Int)
        case nothing
        case ended
    }

    private func receive() -> Reception {
        var received = 0
        let result = input.withUnsafeMutableBytes { space in
            // Safe because libcurl writes at most the given length, and says how much it wrote.
            curl_easy_recv(easy, space.baseAddress, space.count, &received)
        }
        if result == CURLE_AGAIN { return .nothing }
        return result == CURLE_OK && received > 0 ? .bytes(received) : .ended
    }

    private func readReplies() {
        while case .busy = state {
            switch receive() {
            case .nothing: return
            case .ended: return lose(.connectionLost)
            case .bytes(let count):
                guard let replies = try? parser.receive(input[..<count]) else { return lose(.protocolViolation) }
                for (index, reply) in replies.enumerated() {
                    guard case .busy = state else { return }
                    hasMoreReplies = index + 1 < replies.count
                    watchdog?.touch()
                    follow(reply)
                }
            }
        }
    }

    private func follow(_ reply: SMTPReplyParser.Reply) {
        guard let action = conversation?.receive(reply) else { return }
        switch action {
        case .wait: break
        case .send(let commands): write(commands)
        case .sendMessage:
            isSendingMessage = true
            write(message)
        case .accepted(let reply):
            needsReset = false
            let receipt = MailReceipt(reply: reply, wasConnectionReused: carried > 0)
            carried += 1
            end(.accepted(receipt))
        case .refused(let reply, let phase, let fate):
            let error = TransferError(.refused, phase: phase, reply: reply)
            let isUntouched = carried > 0 && reply.code == 421 && phase == .sender
            carried += 1
            if case .reusable(let needsReset) = fate {
                self.needsReset = needsReset
                end(.failed(error, isUntouched: false))
            } else {
                endAndClose(.failed(error, isUntouched: isUntouched))
            }
        case .violation: lose(.protocolViolation)
        }
    }

    private func write(_ bytes: [UInt8]) {
        assert(outputOffset == output.count, "a command is written while another is on its way")
        output = bytes
        outputOffset = 0
        flush()
    }

    private func flush() {
        let result = output.withUnsafeBytes { bytes in
            while outputOffset < bytes.count {
                var sent = 0
                // Safe because the offset stays below the count, and the base of a buffer that is not empty exists.
                let rest = UnsafeRawBufferPointer(rebasing: bytes[outputOffset...])
                let result = curl_easy_send(easy, rest.baseAddress, rest.count, &sent)
                guard result == CURLE_OK else { return result }
                outputOffset += sent
            }
            return CURLE_OK
        }
        switch result {
        case CURLE_OK:
            watch?.interest = .readable
            watchdog?.touch()
            if isSendingMessage {
                isSendingMessage = false
                conversation?.messageWasSent()
            }
        case CURLE_AGAIN:
            watch?.interest = [.readable, .writable]
        default:
            lose(.connectionLost)
        }
    }

    // MARK: Ends

    private func lose(_ code: TransferError.Code) {
        let phase = conversation?.phase ?? .sender
        let error = TransferError(code, phase: phase, isOutcomeUnknown: phase == .acknowledgement)
        let isUntouched = code == .connectionLost && carried > 0 && conversation?.hasReplies == false
        endAndClose(.failed(error, isUntouched: isUntouched))
    }

    private func endAndClose(_ outcome: Outcome) {
        let ended = onEnd
        close()
        ended?(outcome)
    }

    private func end(_ outcome: Outcome) {
        // More answers than questions: such a session is not trusted with another message.
        if outputOffset < output.count || parser.isInside || hasMoreReplies { return endAndClose(outcome) }
        let ended = onEnd
        onEnd = nil
        becomeIdle()
        ended?(outcome)
    }
}
