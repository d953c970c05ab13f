internal import CLibPQ
internal import CarillonNet
internal import DequeModule

/// What a connection tells its pool. All calls come on the loop; none from within a call of the pool.
protocol PostgresConnectionOwner: AnyObject {
    /// The connection can take units.
    func connectionIsReady(_ connection: PostgresConnection)
    /// Units were answered, so that there may be room for further ones.
    func connectionHasRoom(_ connection: PostgresConnection)
    /// The connection is over; its units were answered. It is not used again.
    func connection(_ connection: PostgresConnection, didCloseWith error: PostgresError)
}

/// One connection to the server, from its making to its end; the pool makes another one after it.
///
/// ```
/// new ─▶ resolving ─▶ connecting ─▶ settingUp ─▶ ready ─▶ retiring ─▶ closed
///            └─────────────┴────────────┴──────────┴─────────┴───────────▶
/// ```
/// It carries out what ``PipelineStateMachine`` decides. libpq is only used in its non-blocking forms, after every name
/// was resolved elsewhere.
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
    /// Whether it has answered a unit: then its loss says nothing about the next attempt.
    var hasServed = false
    /// Whether it ever took units.
    private(set) var wasReady = false
    private var connectTimer: LoopTimer?
    private var watchdog: LoopTimer?
    private var oldestSince: MonotonicTime

    init(loop: EventLoop, configuration: PostgresConfiguration, number: Int) {
        self.loop = loop
        self.configuration = configuration
        self.number = number
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

    /// The units on their way, oldest first.
    var unitsInFlight: [PendingUnit] {
        inFlight.compactMap { if case .unit(let pending) = $0 { pending } else { nil } }
    }

    // MARK: Life

    /// Begins to connect. The owner hears of readiness or the end.
    func start() {
        loop.assertOnLoop()
        precondition(state == .new, "a connection is started once")
        connectTimer = loop.schedule(after: configuration.connectTimeout) { [weak self] in
            self?.close(PostgresError(.connectionFailed, "connecting took too long"))
        }
        beginConnecting()
    }

    /// The session is set up.
    func becomeReady() {
        connectTimer?.cancel()
        connectTimer = nil
        state = .ready
        wasReady = true
        owner?.connectionIsReady(self)
    }

    /// Takes no further units and closes when those on their way are answered.
    func retire() {
        loop.assertOnLoop()
        guard state == .ready else { return }
        state = .retiring
        closeIfRetired()
    }

    func closeIfRetired() {
        guard state == .retiring, !machine.isWaiting else { return }
        close(PostgresError(.unavailable, "the connection was retired"))
    }

    /// Ends the connection at once. Units on their way are answered with what is known about them.
    func close(_ error: PostgresError) {
        loop.assertOnLoop()
        guard state != .closed else { return }
        state = .closed
        connectTimer?.cancel()
        watchdog?.cancel()
        cancelTimer?.cancel()
        // libpq closes the descriptor, so the watch goes first.
        watch?.close()
        watch = nil
        if let handle { PQfinish(handle) }
        handle = nil
        answerUnitsInFlight(with: error)
        owner?.connection(self, didCloseWith: error)
    }

    private func answerUnitsInFlight(with error: PostgresError) {
        for (exchange, fate) in zip(inFlight, machine.fates()) {
            guard case .unit(let pending) = exchange else { continue }
            switch fate {
            case .succeeded: pending.finish(.success(pending.results))
            case .failed: pending.finish(.failure(pending.failure ?? error))
            case .failedAtCommit: pending.finish(.failure((pending.failure ?? error).withCommitUnknown(true)))
            case .notRun: pending.finish(.failure(error))
            case .unknown: pending.finish(.failure(error.withCommitUnknown(true)))
            }
        }
        inFlight.removeAll()
    }

    /// Ends the connection because of what libpq or the server said last.
    func lose(_ explanation: String) {
        let libpqMessage = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) }
        let code = lastWord.map { PostgresError.Code(sqlState: $0.sqlState) }
        close(
            PostgresError(
                code == .unavailable ? .unavailable : .connectionFailed, explanation, sqlState: lastWord?.sqlState,
                serverMessage: lastWord?.message ?? libpqMessage))
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
    }
}
