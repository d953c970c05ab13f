internal import CLibPQ
internal import CarillonNet
internal import DequeModule

/// What a connection tells its pool. All calls come on the loop; none from within a call of the pool.
protocol PostgresConnectionOwner: AnyObject {
    /// The connection can take units.
    func connectionIsReady(_ connection: PostgresConnection)
    /// Units were answered, so that there may be room for further ones.
    func connectionHasRoom(_ connection: PostgresConnection)
    /// The server of this connection cannot be written to any more.
    func connectionFoundServerReadOnly(_ connection: PostgresConnection)
    /// This connection, which is over, was lost without a word: the server, or its machine, may be gone.
    func connectionWasLostInSilence(_ connection: PostgresConnection)
    /// The connection is over and is not used again; its units were answered.
    ///
    /// - Parameter unrun: those that were not: they are known not to have happened, and may go to another connection.
    func connection(
        _ connection: PostgresConnection, didCloseWith error: PostgresError, unrun: [PendingUnit])
}

/// One connection to the server, from its making to its end; the pool makes another one after it.
///
/// ```
/// new ─▶ resolving ─▶ connecting ─▶ settingUp ─▶ ready ─▶ retiring ─▶ closed
///            └─────────────┴────────────┴──────────┴─────────┴───────────▶
/// ```
/// While new it waits for a place at the ``ConnectGate``; while connecting it tries the servers of the connection string
/// one after the other. It carries out what ``PipelineStateMachine`` decides. libpq is only used in its non-blocking
/// forms, after every name was resolved elsewhere.
///
/// Confined to `loop`; every entry asserts. Safe as `@unchecked Sendable` for that reason: closures only carry the
/// reference back to the loop.
final class PostgresConnection: TickParticipant, @unchecked Sendable {
    enum State {
        case new
        case resolving
        case connecting
        case settingUp
        case ready
        /// Answers what is on its way, takes nothing new.
        case retiring
        case closed
    }

    /// What is on its way, in step with the machine's exchanges.
    enum InFlight {
        case setUp
        case unit(PendingUnit)
        case repair
        case deallocation([String])
    }

    /// Prepared once per connection, so that each unit saves their Parse.
    static let begin = "carillon_begin"
    static let commit = "carillon_commit"
    static let rollback = "carillon_rollback"
    static let planOnce = "carillon_plan_once"

    let loop: EventLoop
    let configuration: PostgresConfiguration
    /// Its place in the pool, for events.
    let number: Int
    weak var owner: (any PostgresConnectionOwner)?

    // Set by the extensions of this class only.
    var state = State.new
    var handle: OpaquePointer?
    var watch: DescriptorWatch?
    var machine = PipelineStateMachine()
    var inFlight: Deque<InFlight> = []
    var cache: StatementCache
    var parameters = ParameterBuffer()
    var isFlushRequested = false
    /// libpq refused a command, so that the exchanges on its side and ours are no longer the same.
    var hasSendFailed = false
    /// What a request to cancel may hit; see ``cancelIfUnwanted(_:)``.
    var cancelWindow = CancelWindow()
    var cancelTimer: LoopTimer?
    /// The last fatal report of the server, which says why the connection is about to end.
    var lastWord: ServerReport?
    /// The server warned while it was committing: it has not done all that a commit promises.
    var isCommitInDoubt = false
    /// Whether it has answered a unit: then its loss says nothing about the next attempt.
    var hasServed = false

    /// What its session has seen.
    var wear = SessionWear()
    /// Whether it ends because another session is to take its place.
    var isBeingReplaced = false
    /// Whether another session is to take its place, as it has no share of the units any more.
    var isSurplus = false

    // Only while it is being made.
    let memory: HostMemory
    var target: ConnectionParameters?
    var unresolved: Set<String> = []
    /// The servers that are still to be tried, and the one that is.
    var route: [ConnectionParameters.Host] = []
    var host: ConnectionParameters.Host?
    /// What the servers that were tried said.
    var refusals: [String] = []
    var isAnyHostSilent = false
    var connectTimer: LoopTimer?
    private var place: ConnectGate.Place?

    /// Whether it ever took units.
    private(set) var wasReady = false
    private var watchdog: LoopTimer?
    private var oldestSince: MonotonicTime

    init(loop: EventLoop, configuration: PostgresConfiguration, number: Int, memory: HostMemory) {
        self.loop = loop
        self.configuration = configuration
        self.number = number
        self.memory = memory
        cache = StatementCache(capacity: configuration.preparedStatements)
        oldestSince = loop.now
    }

    deinit {
        assert(handle == nil, "a connection was dropped without close()")
    }

    /// How many units are on their way.
    var load: Int { machine.unitsInFlight }

    /// Whether a unit can be submitted.
    var hasRoom: Bool { state == .ready && load < configuration.unitsPerConnection }

    /// Whether a unit on its way takes so long that one behind it had better go elsewhere.
    var standsStill: Bool { load > 0 && oldestSince.advanced(by: Self.longUnit) <= loop.now }

    /// Longer than a flush to a slow disk, or a standby that is waited for: those who go elsewhere may have to be planned anew.
    private static let longUnit: Duration = .milliseconds(50)

    /// Keeps this many prepared statements at most. Those that are too many go as others come.
    func keep(statements: Int) { cache.capacity = statements }

    /// The units on their way, oldest first.
    var unitsInFlight: [PendingUnit] {
        inFlight.compactMap { if case .unit(let pending) = $0 { pending } else { nil } }
    }

    // MARK: Life

    /// Begins to connect. The owner hears of readiness or the end.
    func start() {
        loop.assertOnLoop()
        precondition(state == .new, "a connection is started once")
        place = configuration.gate.enter(on: loop) { [weak self] in
            guard let self, state == .new else { return }
            beginConnecting()
        }
    }

    /// The session is set up.
    func becomeReady() {
        connectTimer?.cancel()
        connectTimer = nil
        place?.leave()
        if let host { memory.served(host) }
        state = .ready
        wasReady = true
        wear.begin(at: loop.now)
        owner?.connectionIsReady(self)
    }

    /// Takes no further units and closes when those on their way are answered.
    func retire() {
        loop.assertOnLoop()
        guard state == .ready else { return }
        state = .retiring
        closeIfRetired()
    }

    /// Another connection to the server was lost without a word, which this one need not find out by a unit that it fails: it
    /// takes no further units, and is closed if it is idle, or was silent for a while with units on their way.
    func doubt() {
        loop.assertOnLoop()
        guard state == .ready else { return }
        if machine.isWaiting, oldestSince.advanced(by: Self.suspiciousSilence) <= loop.now {
            close(PostgresError(.connectionFailed, "the server is silent on other connections too"))
        } else {
            retire()
        }
    }

    /// Few statements of a service take so long.
    private static let suspiciousSilence: Duration = .seconds(2)

    /// Whether its session has seen so much that another one should take its place.
    var isWornOut: Bool { wear.isTooMuch(for: configuration, at: loop.now) }

    func closeIfRetired() {
        guard state == .retiring, !machine.isWaiting else { return }
        close(PostgresError(.unavailable, "the connection was retired"))
    }

    /// Ends the connection at once. Units on their way are answered with what is known about them.
    func close(_ error: PostgresError) {
        loop.assertOnLoop()
        guard state != .closed else { return }
        state = .closed
        place?.leave()
        connectTimer?.cancel()
        watchdog?.cancel()
        cancelTimer?.cancel()
        // libpq closes the descriptor, so the watch goes first.
        watch?.close()
        watch = nil
        if let handle { PQfinish(handle) }
        handle = nil
        let unrun = answerUnitsInFlight(with: error)
        owner?.connection(self, didCloseWith: error, unrun: unrun)
    }

    /// Answers the units on their way by what is known about them, and returns those that may be run elsewhere.
    private func answerUnitsInFlight(with error: PostgresError) -> [PendingUnit] {
        var unrun: [PendingUnit] = []
        for (exchange, fate) in zip(inFlight, machine.fates()) {
            guard case .unit(let pending) = exchange else { continue }
            // The doubt is about the oldest one.
            let isInDoubt = isCommitInDoubt
            isCommitInDoubt = false
            switch fate {
            case .succeeded where isInDoubt: pending.finish(.failure(Self.commitInDoubt))
            case .succeeded: pending.finish(.success(pending.results))
            case .failedAtCommit: pending.finish(.failure((pending.failure ?? error).withCommitUnknown(true)))
            case .unknown: pending.finish(.failure(error.withCommitUnknown(true)))
            case .failed, .notRun:
                let failure = (fate == .failed ? pending.failure : nil) ?? error
                if failure.code == .connectionFailed, pending.takeChanceAfterLoss(limit: configuration.runsAfterLoss) {
                    unrun.append(pending)
                } else {
                    pending.finish(.failure(failure))
                }
            }
        }
        inFlight.removeAll()
        return unrun
    }

    /// A unit was committed, but somebody ended the server's wait for its standby: an acknowledgement would promise more
    /// than there is.
    static let commitInDoubt = PostgresError(
        .unavailable, "the server committed without its standby's word", isCommitUnknown: true)

    /// Ends the connection because of what libpq or the server said last.
    func lose(_ explanation: String) {
        let libpqMessage = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) }
        let code = lastWord.map { PostgresError.Code(sqlState: $0.sqlState) }
        close(
            PostgresError(
                code == .unavailable ? .unavailable : .connectionFailed, explanation, sqlState: lastWord?.sqlState,
                serverMessage: lastWord?.message ?? libpqMessage))
        if wasReady, lastWord == nil { owner?.connectionWasLostInSilence(self) }
    }

    // MARK: The hard limit

    /// Called when a unit was sent.
    func guardOldest() {
        if load == 1 { oldestSince = loop.now }
        guard watchdog == nil else { return }
        armWatchdog()
    }

    /// Called when an exchange ended: the next one is now the oldest.
    func oldestChanged() {
        oldestSince = loop.now
        cancelWindow.exchangeEnded()
        lookAtOldest()
    }

    // One timer that looks again, instead of one that moves with every unit.
    private func armWatchdog() {
        let deadline = oldestSince.advanced(by: configuration.unitLimit)
        watchdog = loop.schedule(at: deadline) { [weak self] in self?.checkOldest() }
    }

    private func checkOldest() {
        watchdog = nil
        guard machine.isWaiting else { return }
        guard oldestSince.advanced(by: configuration.unitLimit) <= loop.now else { return armWatchdog() }
        close(PostgresError(.deadlineExceeded, "a unit overran the hard limit"))
        owner?.connectionWasLostInSilence(self)
    }
}
