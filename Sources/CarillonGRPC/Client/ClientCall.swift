internal import CarillonNet
internal import SwiftProtobuf

/// One call of a client over all of its attempts: what came, and how it ended. Confined to the client's loop.
///
/// States: waiting (for a connection, or for the time of a retry) → attempted → committed (the answer has begun, or the
/// request is not kept any more: there will be no further attempt) → over.
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry hops there or asserts.
final class ClientCall: @unchecked Sendable {
    let loop: EventLoop
    let waitsForReady: Bool
    /// How its messages are compressed, unless one is sent otherwise.
    let encoding: MessageEncoding
    private let channel: ClientChannel
    private let path: StaticString
    private let metadata: [(name: String, value: String)]
    private let deadline: MonotonicTime?
    private let messageSize: Int
    private var request = RequestBuffer()
    private var retries: RetryState
    private var attempt: CallAttempt?
    private var isCommitted = false
    private var lastFailure: Status?
    private var deadlineTimer: LoopTimer?
    private var retryTimer: LoopTimer?
    private var waiters: [UnsafeContinuation<Void, Never>] = []
    private var leading: HeaderBlock?
    private var trailing = HeaderBlock()
    private var ending: Status?
    /// Whether it stands in the channel's line; kept by the channel.
    var isWaiting = false

    /// Whether it has ended.
    var isOver: Bool { ending != nil }

    init(channel: ClientChannel, path: StaticString, options: CallOptions) {
        loop = channel.loop
        self.channel = channel
        self.path = path
        let rules = channel.configuration.service.method(path.description)
        let timeout = [options.timeout, rules?.timeout].compactMap { $0 }.min()
        deadline = timeout.map { channel.loop.now.advanced(by: $0) }
        metadata = options.metadata
        waitsForReady = options.waitsForReady ?? rules?.waitsForReady ?? false
        encoding = channel.configuration.encoding(options)
        messageSize = options.messageSize ?? channel.configuration.limits.messageSize
        retries = RetryState(policy: rules?.retry)
    }

    /// Does something to the call soon, from any thread. A loop that has ended does no more: the call is over with it.
    func execute(_ body: @escaping @Sendable (ClientCall) -> Void) {
        loop.execute {
            if self.loop.isOnLoop { body(self) }
        }
    }

    // MARK: Beginning

    /// Begins the call with the first message of its request, if there is one.
    func start(_ frame: [UInt8]?, isWhole: Bool) {
        loop.assertOnLoop()
        if let defect = channel.defect { return end(defect) }
        for field in metadata where !MetadataField.isValidInRequest(field.name, field.value) {
            return end(MetadataField.refusal(of: field.name))
        }
        if let frame { keep(frame) }
        request.isEnded = isWhole
        if let deadline {
            guard deadline > loop.now else { return endByDeadline() }
            deadlineTimer = loop.schedule(at: deadline) { self.endByDeadline() }
        }
        channel.start(self)
    }

    private func endByDeadline() {
        var words = "the deadline passed before the server answered"
        if let lastFailure {
            words += "; the last attempt failed: \(lastFailure)"
        } else if attempt == nil {
            words = "the deadline passed before the call could be sent: \(channel.obstacle)"
        }
        end(Status(.deadlineExceeded, words), reset: .cancel)
    }

    /// Begins an attempt on a connection; false when that takes no more streams.
    func begin(on transport: ClientTransport, _ head: RequestHeaderTemplate) -> Bool {
        loop.assertOnLoop()
        let attempt = CallAttempt(call: self, transport: transport, messageSize: messageSize)
        let headers = head.block(
            path, authority: transport.authority, timeout: deadline.map { loop.now.duration(to: $0) },
            previousAttempts: retries.previousAttempts, encoding: encoding, metadata: metadata)
        guard attempt.begin(headers, request) else { return false }
        self.attempt = attempt
        commitIfTooLarge()
        wake()
        return true
    }

    private func commitIfTooLarge() {
        let limits = channel.configuration.limits
        if request.size > limits.retryBuffer || channel.retained > limits.retryBuffers { commit() }
    }

    private func keep(_ frame: [UInt8]) {
        let before = request.size
        request.append(frame)
        channel.retained += request.size - before
    }

    /// There will be no further attempt, so nothing of the request is kept.
    private func commit() {
        isCommitted = true
        channel.retained -= request.forget()
    }

    // MARK: What the attempt says

    func attemptAnswers(_ attempt: CallAttempt, _ block: HeaderBlock) {
        guard attempt === self.attempt, ending == nil else { return }
        leading = block
        commit()
        wake()
    }

    func attemptEnded(_ attempt: CallAttempt, _ status: Status, _ trailers: HeaderBlock, _ failure: RetryState.Failure)
    {
        guard attempt === self.attempt, ending == nil else { return }
        trailing = trailers
        guard status.code != .ok else {
            channel.throttle.recordSuccess()
            return end(.ok)
        }
        // The server may be told of the deadline before this side sees that it has passed.
        if status.code == .cancelled, let deadline, deadline <= .current { return endByDeadline() }
        let decision = retries.decide(
            status.code, failure, isCommitted: isCommitted, throttle: &channel.throttle, random: channel.random())
        guard case .retry(let delay) = decision else { return end(status) }
        // A retry that cannot begin in time is none; what the server said is worth more than the deadline's words.
        if let deadline, loop.now.advanced(by: delay) >= deadline { return end(status) }
        lastFailure = status
        self.attempt = nil
        // The attempt ends in a callback of its connection; the next one begins in a piece of work of its own.
        retryTimer = loop.schedule(after: delay) {
            self.retryTimer = nil
            self.channel.assign(self)
        }
    }

    // MARK: Ending

    /// Ends the call; what comes later is dropped. The attempt's stream is reset if a code is given.
    func end(_ status: Status, reset code: HTTP2ErrorCode? = nil) {
        loop.assertOnLoop()
        guard ending == nil else { return }
        ending = status
        deadlineTimer?.cancel()
        deadlineTimer = nil
        retryTimer?.cancel()
        retryTimer = nil
        commit()
        if let code { attempt?.abandon(code) }
        channel.ended(self)
        wake()
    }

    /// Gives up the call.
    func cancel() {
        end(Status(.cancelled, "the call was cancelled"), reset: .cancel)
    }

    // MARK: Waiting

    /// Something has changed: those who wait look again.
    func wake() {
        guard !waiters.isEmpty else { return }
        let woken = waiters
        waiters = []
        for waiter in woken { waiter.resume() }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { waiters.append($0) }
        } onCancel: {
            execute { $0.cancel() }
        }
    }

    // MARK: For readers, on the loop

    /// The next message; `nil` after the last when the call went well.
    func next<Parsed: Message>() async throws(Status) -> Parsed? {
        loop.assertOnLoop()
        while true {
            if isCommitted, let attempt {
                do throws(Status) {
                    let message: Parsed? = try attempt.next { bytes throws(Status) in try MessageFrame.parse(bytes) }
                    if let message { return message }
                } catch {
                    end(error, reset: .cancel)
                    throw error
                }
            }
            if let ending {
                guard ending.code == .ok else { throw ending }
                try attempt?.checkEnd()
                return nil
            }
            await wait()
        }
    }

    /// The only message of an answer.
    func single<Parsed: Message>() async throws(Status) -> Parsed {
        guard let message: Parsed = try await next() else {
            throw Status(.unimplemented, "the server answered without a message")
        }
        guard try await next() as Parsed? == nil else {
            end(Status(.unimplemented, "the server answered with more than one message"), reset: .cancel)
            throw Status(.unimplemented, "the server answered with more than one message")
        }
        return message
    }

    /// Waits for the leading metadata. It is empty when the call ends without.
    func headers() async -> Metadata {
        loop.assertOnLoop()
        while leading == nil, ending == nil { await wait() }
        return leading.map { Metadata($0) } ?? Metadata()
    }

    /// Waits for the end, and returns how it was and the trailing metadata.
    func outcome() async -> (Status, Metadata) {
        loop.assertOnLoop()
        while true {
            if let ending { return (ending, Metadata(trailing)) }
            await wait()
        }
    }

    // MARK: For writers, on the loop

    /// Sends a message; waits while the server takes less than is sent.
    func send(_ frame: [UInt8]) async throws(Status) {
        loop.assertOnLoop()
        if let ending { throw Self.afterEnd(ending) }
        guard !request.isEnded else { throw Status(.internalError, "a message was sent behind the last one") }
        keep(frame)
        attempt?.send(frame)
        if attempt != nil { commitIfTooLarge() }
        let limit = channel.configuration.limits.requestOutput
        while ending == nil, (attempt?.queued ?? request.size) >= limit { await wait() }
        if let ending, ending.code != .ok { throw ending }
    }

    private static func afterEnd(_ status: Status) -> Status {
        status.code == .ok ? Status(.cancelled, "the server has answered already") : status
    }

    /// Says that no more messages follow.
    func finishSending() {
        loop.assertOnLoop()
        guard !request.isEnded, ending == nil else { return }
        request.isEnded = true
        attempt?.endRequest()
    }
}
