/// One HTTP/2 connection over TLS, server or client side: a socket, its TLS session, its timers, and the frames and
/// streams of an ``HTTP2Session``.
///
/// Octets go one way: what the socket has is read and handled first, answers only gather in the session; then everything is
/// drained into one buffer and written with one `SSL_write` (one TLS record for a small answer). What was answered at once
/// goes out right behind the read, what tasks answer at the end of the tick.
///
/// States: handshaking → open → draining → lingering (FIN sent, waiting for the peer's) → closed. What breaks an open
/// connection goes the same way: GOAWAY with the reason, then lingering.
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
package final class HTTP2Connection: TickParticipant, TurnTaker, @unchecked Sendable {
    /// The loop that all of this runs on.
    package let loop: EventLoop
    private let isServer: Bool
    let session: HTTP2Session
    private let tls: TLSSession
    private let descriptor: CInt
    private var watch: DescriptorWatch?
    // A cycle while the connection is open: it ends with the last call to the delegate.
    private(set) var delegate: (any HTTP2ConnectionDelegate)?
    /// What the delegate keeps for the connection; nothing here touches it.
    package var attachment: AnyObject? {
        get { attached }
        set { attached = newValue }
    }
    // Behind functions, since the attribute works in this module alone.
    @exclusivity(unchecked) private var attached: AnyObject?
    private(set) var state = State.handshaking
    var deadline: LoopTimer?
    private var isTouched = false
    private(set) var isInSession = false
    private var readsAgain = false
    /// Whether nothing is read, as what came takes its owner long: TCP lets the peer wait. What was not read is not late.
    @exclusivity(unchecked) package var isInputHeld = false {
        didSet {
            guard isInputHeld != oldValue, state == .open else { return }
            session.conduct.now = loop.now
            session.conduct.holdInput(isInputHeld)
            readsAgain = !isInputHeld
            touch()
        }
    }
    private var unwritten: [UInt8] = []
    private(set) var closing: HTTP2CloseReason?
    /// Why it lingers.
    private(set) var ending: HTTP2CloseReason?
    /// Counts the handshake until it is over.
    private var permit: HandshakePermit?
    private var hasSeenOctets = false
    private var life: ConnectionLife
    /// The next look at what is due.
    private var pulse: LoopTimer?
    /// Whether that look comes soon enough for open streams.
    private(set) var isPacing = false
    private(set) var openedAt: MonotonicTime?
    private(set) var blockedSince: MonotonicTime?
    private(set) var drain = DrainPhase.none
    private var drainReason = DrainReason.shutdown
    private var goodbye = false
    var readyForStreams = false
    /// What was queued at the end of the last flush.
    private var toldOutput = 0

    var limits: HTTP2Limits { session.limits }
    /// What the peer said last when it asked for no more streams.
    package internal(set) var peerGoAway: HTTP2GoAway?
    /// When octets came last.
    package private(set) var lastReceived: MonotonicTime

    /// Takes over a connected non-blocking socket and begins the handshake. Loop's thread only.
    ///
    /// - Parameters:
    ///   - serverName: for a client, the name that the certificate must carry; it may be another than was dialled.
    ///   - permit: for a server, what counts the handshake until it is over.
    ///   - chance: from 0 to 1: when around ``HTTP2Limits/maxAge`` it is old (``ConnectionAge``).
    package init(
        loop: EventLoop, descriptor: CInt, context: TLSContext, serverName: String? = nil,
        limits: HTTP2Limits = .init(), permit: HandshakePermit? = nil, chance: Double = .random(in: 0...1),
        delegate: any HTTP2ConnectionDelegate
    ) throws(TLSError) {
        loop.assertOnLoop()
        self.loop = loop
        self.descriptor = descriptor
        self.delegate = delegate
        self.permit = permit
        isServer = context.isServer
        lastReceived = loop.now
        tls = try TLSSession(context: context, descriptor: descriptor, serverName: serverName)
        session = HTTP2Session(
            isServer: context.isServer, loop: loop, peer: Socket.peerName(descriptor), limits: limits)
        life = ConnectionLife(limits, bornAt: loop.now, chance: chance)
        if limits.keepaliveTime != nil { Socket.setUserTimeout(descriptor, limits.keepaliveTimeout) }
        session.owner = self
        watch = loop.watch(descriptor: descriptor) { events in self.ready(events) }
        watch?.interest = isServer ? [.readable] : [.readable, .writable]
        deadline = loop.schedule(after: limits.handshakeTime) { self.close(.handshakeTimeout) }
        // Not weakly: an object that was ever referred to so counts its references at several times the cost. The permit is
        // let go of, and the closure with it, when the handshake ends in whatever way.
        permit?.onLeave { loop.execute { self.giveWay() } }
    }

    // MARK: Readiness

    private func ready(_ events: ReadyEvents) {
        loop.assertOnLoop()
        switch state {
        case .handshaking where isServer:
            // Whoever comes may have us sign: those who are connected do not wait for it. Nothing is heard until then.
            watch?.interest = []
            permit?.wait()
            loop.waitForTurn(self)
        case .handshaking: handshake()
        case .open:
            if events.contains(.readable) { read() }
            settle()
        case .lingering:
            if events.contains(.writable), !unwritten.isEmpty, writeLeftover() { finishSending() }
            if state == .lingering, !Socket.discardInput(descriptor, loop.readBuffer) { close(ending ?? .finished) }
        case .closed: break
        }
    }

    /// Goes on with the handshake. Called by the loop.
    package func takeTurn() {
        permit?.serve()
        guard state == .handshaking, closing == nil else { return }
        handshake()
    }

    private func handshake() {
        if isServer, !hasSeenOctets {
            let (hasCome, stranger) = PlaintextPeer.look(descriptor, loop.readBuffer)
            hasSeenOctets = hasCome
            if let stranger {
                Socket.sendSome(descriptor, stranger.answer)
                return linger(.tls(stranger.error))
            }
            // What it said is not worth a signature that nobody will read.
            if hasCome, Socket.hasEnded(descriptor) { return close(.tls(.leftHandshake)) }
        }
        switch tls.handshake() {
        case .moved: handshakeComplete()
        case .wantsRead: watch?.interest = [.readable]
        case .wantsWrite: watch?.interest = [.readable, .writable]
        // gRPC's own libraries send no alert when they do not trust a server. Who says nothing at all only looks at the port.
        case .closed: close(isServer && hasSeenOctets ? .tls(.leftHandshake) : .finished)
        // OpenSSL has written its alert, which lingering lets the peer read.
        case .failed(let error): linger(.tls(error))
        }
    }

    private func handshakeComplete() {
        guard tls.negotiatedH2 else {
            if isServer { _ = PlaintextPeer.answerWithoutALPN.withUnsafeBytes { tls.write($0) } }
            return linger(.noALPN, saysGoodbye: true)
        }
        do throws(TLSError) {
            session.peerIdentity = try tls.clientIdentity()
        } catch {
            return linger(.tls(error), saysGoodbye: true)
        }
        permit = nil
        state = .open
        openedAt = loop.now
        watch?.interest = [.readable]
        deadline?.cancel()
        deadline = loop.schedule(after: limits.prefaceTime) {
            self.session.submitGoAway(.settingsTimeout, debug: "no SETTINGS")
            self.fail(.handshakeTimeout)
        }
        session.submitSettings()
        look()
        read()
        settle()
    }

    private func read() {
        guard state == .open, closing == nil, !isInputHeld else { return }
        isInSession = true
        defer { isInSession = false }
        var budget = limits.readBudget
        var end: MonotonicTime?
        repeat {
            switch tls.read(into: loop.readBuffer) {
            case .moved(let count):
                budget -= count
                lastReceived = loop.now
                let bytes = UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count])
                if let failure = session.receive(bytes, at: loop.now) { return fail(failure) }
                budget -= session.takeNotedWork()
            case .wantsRead: return readEnough()
            case .wantsWrite:
                watch?.interest = [.readable, .writable]
                return readEnough()
            case .closed: return close(.finished)
            case .failed(let error): return close(.tls(error))
            }
        } while tls.hasPending && budget > 0 && closing == nil && !isInputHeld && isTimeLeft(until: &end)
        // What OpenSSL holds already does not make the descriptor ready: it is looked at again in the next tick.
        readsAgain = tls.hasPending
        readEnough()
    }

    /// Whether the turn may go on by the clock, which is read only between one record and the next.
    private func isTimeLeft(until end: inout MonotonicTime?) -> Bool {
        if end == nil { end = MonotonicTime.current.advanced(by: limits.readTime) }
        return end.map { MonotonicTime.current < $0 } ?? true
    }

    private func readEnough() {
        if session.streamCount > 0, !isPacing { paceStreams() }
        if let since = session.conduct.headerBlockSince { lookBy(since.advanced(by: limits.headerBlockTime)) }
        if isServer, drain == .none, session.conduct.recent.highest > Self.lastStreamID { beginDrain(.streamIDs) }
    }

    /// Three quarters of the identifiers, which cannot be used again (RFC 9113 §5.1.1).
    private static let lastStreamID = Int32.max / 4 * 3

    // MARK: Writing

    /// Asks for one flush at the end of the tick.
    package func touch() {
        guard !isTouched, state != .closed else { return }
        isTouched = true
        loop.atEndOfTick(self)
    }

    /// Does what gathered during the tick. Called by the loop.
    package func endOfTick() {
        isTouched = false
        if readsAgain {
            readsAgain = false
            read()
        }
        settle()
    }

    /// Sends what has gathered, and sees what follows. A connection that was read does so before the next one is read: the
    /// streams that are answered by then are over while the processor still has them at hand, and serve the next connection.
    private func settle() {
        guard state == .open, closing == nil else { return }
        if readsAgain { touch() }
        flush()
        guard state == .open, closing == nil else { return }
        if session.queuedOutput != toldOutput {
            toldOutput = session.queuedOutput
            delegate?.connectionOutputMoved(self)
        }
        if let reason = session.concludeVerdict() { return fail(reason) }
        guard unwritten.isEmpty else { return }
        if session.isFinished { return linger(reasonOfFinish, saysGoodbye: true) }
        if drain == .final, session.streamCount == 0 { linger(.finished, saysGoodbye: true) }
    }

    /// Why libnghttp2 is done: by both sides' will, or because it ended the session for an error.
    private var reasonOfFinish: HTTP2CloseReason {
        guard let sent = session.conduct.sentGoAway, sent.code != .noError else { return .finished }
        return .protocolViolation("\(sent.debugText) (\(sent.code))")
    }

    private func flush() {
        while state == .open {
            if !unwritten.isEmpty {
                guard writeLeftover() else { return }
                continue
            }
            let count = gather()
            guard count > 0 else { return setInterest(writable: false) }
            guard write(UnsafeRawBufferPointer(rebasing: loop.writeBuffer[..<count])) else { return }
        }
    }

    /// Fills the loop's write buffer with about one full TLS record of frames, and returns how much it is. A frame is at most
    /// 16 KiB and nine octets here, so it fits behind what is below the target.
    private func gather() -> Int {
        isInSession = true
        defer { isInSession = false }
        session.conduct.now = loop.now
        return session.gather(into: loop.writeBuffer, upTo: Self.gatherTarget)
    }

    private static let gatherTarget = 16 * 1024

    private func writeLeftover() -> Bool {
        let bytes = unwritten
        unwritten = []
        return bytes.withUnsafeBytes { write($0) }
    }

    /// Writes all of the bytes, or keeps what is left; false when nothing more can be written now.
    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            switch tls.write(rest) {
            case .moved(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .wantsWrite, .wantsRead:
                unwritten = Array(rest)
                blocked()
                return false
            case .closed:
                lost(.finished)
                return false
            case .failed(let error):
                lost(.tls(error))
                return false
            }
        }
        blockedSince = nil
        return true
    }

    /// The peer does not take what is written. It may have left because it was about to be cut off: that is why, then.
    private func lost(_ reason: HTTP2CloseReason) {
        if ending == nil, let verdict = session.conduct.verdict {
            ending = verdict.reason
            delegate?.connectionIsCutOff(self, verdict.reason)
        }
        close(ending ?? reason)
    }

    private func setInterest(writable: Bool) {
        let reading: ReadyEvents = isInputHeld && state == .open ? [] : [.readable]
        watch?.interest = writable ? reading.union(.writable) : reading
    }

    /// The socket takes no more. A peer that does not read is not read either once it has made this side say a lot: what
    /// it wants us to say would only gather.
    private func blocked() {
        let isCrowded = session.waitingFrames > limits.outboundFrames / 10
        watch?.interest = isCrowded || isInputHeld ? [.writable] : [.readable, .writable]
        if blockedSince == nil {
            blockedSince = loop.now
            if let stall = limits.outputStall { lookBy(loop.now.advanced(by: stall)) }
        }
    }

    // MARK: What is due

    /// Makes sure that there is a look at the connection by that time.
    func lookBy(_ time: MonotonicTime) {
        guard time < .distantFuture, pulse.map({ $0.deadline > time }) ?? true else { return }
        pulse?.cancel()
        pulse = loop.schedule(at: time) { self.look() }
    }

    /// Sees to it that open streams are looked at soon.
    func paceStreams() {
        isPacing = true
        lookBy(loop.now.advanced(by: ConnectionLife.pause))
    }

    /// Does what is due, and sees to the next look.
    private func look() {
        pulse = nil
        while state == .open, closing == nil {
            switch life.look(facts, limits) {
            case .wait(let next):
                session.conduct.now = loop.now
                isPacing = session.streamCount > 0
                if isPacing { session.lookAfterStreams() }
                return lookBy(next)
            case .ping: session.submitPing()
            case .drain(let reason): beginDrain(reason)
            case .end(let code, let words):
                session.submitGoAway(code, debug: "")
                return fail(.timedOut(words))
            case .endOfAge: return cutOff(.aged)
            }
        }
    }

    // MARK: Ending

    /// Begins a graceful end: the peer is told to open no more streams, those that are open are finished. The limit of
    /// accepted streams is fixed, and the reason told, when the peer has seen the notice (its PING answer), or after
    /// ``HTTP2Limits/drainNoticeTime``.
    package func beginDrain(_ reason: DrainReason = .shutdown) {
        loop.assertOnLoop()
        guard drain == .none else { return }
        guard state == .open else { return close(.finished) }
        drain = .announced
        drainReason = reason
        delegate?.connectionIsDraining(self)
        guard state == .open else { return }
        session.announceGoAway()
        deadline?.cancel()
        deadline = loop.schedule(after: limits.drainNoticeTime) { self.sendFinalGoAway() }
        touch()
    }

    func sendFinalGoAway() {
        guard drain == .announced, state == .open else { return }
        drain = .final
        deadline?.cancel()
        deadline = nil
        session.submitGoAway(debug: drainReason.rawValue)
    }

    /// Ends the connection although streams are open: they are asked for their last words
    /// (``HTTP2StreamHandler/streamMustEnd(_:)``), which go out together with the final GOAWAY as far as the peer takes them.
    /// A stream that could not say how it ended is not reset: clients read the end of its connection as "unavailable", a
    /// reset as something else.
    package func cutOff(_ reason: HTTP2CloseReason) {
        loop.assertOnLoop()
        guard state == .open, closing == nil else { return close(reason) }
        session.visitStreams { $0.handler?.streamMustEnd($0) }
        if drain == .none { drain = .announced }
        sendFinalGoAway()
        flush()
        linger(reason, saysGoodbye: true)
    }

    /// The connection cannot go on, and a GOAWAY that says why is queued: send it, and whatever stands before it, and end.
    /// Open streams are told that they were cancelled.
    private func fail(_ reason: HTTP2CloseReason) {
        guard state == .open, closing == nil else { return }
        ending = reason
        delegate?.connectionIsCutOff(self, reason)
        while state == .open, unwritten.isEmpty, session.conduct.sentGoAway == nil {
            let count = gather()
            guard count > 0, write(UnsafeRawBufferPointer(rebasing: loop.writeBuffer[..<count])) else { break }
        }
        linger(reason, saysGoodbye: true)
    }

    /// Everything is said: send FIN and wait a moment for the peer's, so that no reset overtakes the last octets.
    ///
    /// - Parameter saysGoodbye: whether TLS is fit to send its close_notify.
    private func linger(_ reason: HTTP2CloseReason, saysGoodbye: Bool = false) {
        guard state == .open || state == .handshaking, closing == nil else { return }
        state = .lingering
        ending = reason
        goodbye = saysGoodbye
        permit = nil
        pulse?.cancel()
        pulse = nil
        session.close()
        // Whoever heard that a stream is over may have closed it: the descriptor is somebody else's by now.
        guard state == .lingering else { return }
        deadline?.cancel()
        deadline = loop.schedule(after: limits.lingerTime) { self.close(reason) }
        if unwritten.isEmpty { finishSending() } else { watch?.interest = [.readable, .writable] }
    }

    private func finishSending() {
        if goodbye { tls.sendCloseNotify() }
        Socket.finishSending(descriptor)
        setInterest(writable: false)
    }

    /// Ends the connection now; open streams are told that they were cancelled. While libnghttp2 is at work the end
    /// comes right after it.
    package func close(_ reason: HTTP2CloseReason) {
        loop.assertOnLoop()
        guard state != .closed, closing == nil else { return }
        closing = reason
        if isInSession {
            loop.execute { self.tearDown() }
        } else {
            tearDown()
        }
    }

    private func tearDown() {
        guard state != .closed, let reason = closing else { return }
        state = .closed
        permit = nil
        pulse?.cancel()
        pulse = nil
        deadline?.cancel()
        deadline = nil
        watch?.close()
        watch = nil
        session.close()
        if unwritten.isEmpty { Socket.close(descriptor) } else { Socket.abort(descriptor) }
        delegate.take()?.connectionClosed(self, reason)
    }
}
