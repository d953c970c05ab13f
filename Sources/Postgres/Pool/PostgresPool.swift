package import CarillonNet
internal import DequeModule

/// A few connections to one database, for the units of one loop.
///
/// Few connections share the units while there is little to do (``PoolWidth``). A unit goes to the one of them that its affinity
/// names, so that what a tenant touches is cached in few backends; if that one has no room or stands still, to the least busy of
/// all; if none has room, into a bounded queue. While no connection stands and the
/// last attempt failed, units are refused at once with `unavailable`; one connection goes on trying for all, and when it
/// has found a server the others follow.
///
/// Confined to `loop`; every entry asserts. Safe as `@unchecked Sendable` for that reason.
package final class PostgresPool: @unchecked Sendable {
    /// A place for a connection, which is made again when it is lost.
    private struct Slot {
        var connection: PostgresConnection?
        var backoff: Backoff
        var retry: LoopTimer?
    }

    private let loop: EventLoop
    private let configuration: PostgresConfiguration
    private let memory = HostMemory()
    private var slots: [Slot] = []
    private var width: PoolWidth
    private var widthTimer: LoopTimer?
    private var queue: Deque<PendingUnit> = []
    private var deadlineTimer: LoopTimer?
    // The last failure to connect, as long as no attempt has succeeded since.
    private var outage: PostgresError?
    private var isClosing = false
    /// Whether the connections were closed because nobody needed them.
    private var isAsleep = false
    private var lastUnit: MonotonicTime
    private var idleTimer: LoopTimer?
    private var closeWaiters: [UnsafeContinuation<Void, Never>] = []

    /// Makes a pool and begins to connect. On the loop.
    package init(loop: EventLoop, configuration: PostgresConfiguration) {
        loop.assertOnLoop()
        self.loop = loop
        self.configuration = configuration
        let slot = Slot(backoff: Backoff(configuration.reconnectPause))
        slots = Array(repeating: slot, count: max(1, configuration.connections))
        width = PoolWidth(most: slots.count)
        lastUnit = loop.now
        lookForIdleness()
        for number in slots.indices { connect(number) }
    }

    /// Makes a pool without connections, which refuses everything with `unavailable`: for a database that cannot be had. On
    /// the loop.
    package init(refusingOn loop: EventLoop) {
        loop.assertOnLoop()
        self.loop = loop
        configuration = PostgresConfiguration(connectionInfo: "")
        width = PoolWidth(most: 1)
        lastUnit = loop.now
        isClosing = true
    }

    deinit {
        assert(slots.allSatisfy { $0.connection == nil }, "a pool was dropped without close()")
    }

    // MARK: Units

    /// Runs a unit and returns one result per query. On the loop.
    ///
    /// - Parameters:
    ///   - unit: what to run.
    ///   - affinity: any number; equal ones prefer the same connection.
    ///   - deadline: when the caller stops waiting. A unit that was already sent is cancelled at the server if it does not
    ///     end by itself soon, and the error says that its outcome is unknown. The same holds if the caller's task is
    ///     cancelled.
    /// - Throws: what ``PostgresError/Code`` lists. Nothing was sent if the unit itself is not valid, the queue is full
    ///   or the database is unavailable.
    package func run(
        _ unit: Unit, affinity: Int = 0, deadline: MonotonicTime? = nil
    ) async throws(PostgresError) -> [ResultSet] {
        loop.assertOnLoop()
        try unit.validate()
        try admit(deadline)
        wake()
        let pending = PendingUnit(unit, deadline: deadline)
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                pending.wait(continuation)
                dispatch(pending, affinity)
            }
        } onCancel: {
            // Comes after the dispatch above in any case, since that has not left the loop in between.
            loop.execute { self.drop(pending, PostgresError(.cancelled, "the caller was cancelled")) }
        }
        return try result.get()
    }

    /// Refuses at once what has no chance.
    private func admit(_ deadline: MonotonicTime?) throws(PostgresError) {
        if Task.isCancelled { throw PostgresError(.cancelled, "the caller was cancelled") }
        if let deadline, deadline <= loop.now { throw Self.deadlineExceeded }
        if isClosing { throw PostgresError(.unavailable, "the pool is closed") }
        if let outage { throw Self.unavailable(outage) }
    }

    private func dispatch(_ pending: PendingUnit, _ affinity: Int) {
        let ahead = unitsInFlight + queue.count
        if let connection = connection(for: affinity) {
            connection.submit(pending)
        } else if queue.count < configuration.queueLimit {
            queue.append(pending)
        } else {
            return pending.finish(.failure(PostgresError(.queueFull, "too many units wait for a connection")))
        }
        // What waits for connections to be made says nothing about how many are needed.
        let allStand = slots[..<width.width].allSatisfy { $0.connection?.state == .ready }
        if allStand, width.count(ahead: ahead, at: loop.now) { share() }
        if let deadline = pending.deadline { expire(by: deadline) }
    }

    /// The connection that the affinity names among those that share the units, the least busy one if that has no room; and rather
    /// one that answers than one that stands still.
    private func connection(for affinity: Int) -> PostgresConnection? {
        if let home = slots[width.home(of: affinity)].connection, home.hasRoom, !home.standsStill { return home }
        return leastBusy { !$0.standsStill } ?? leastBusy { _ in true }
    }

    private func leastBusy(where isFit: (PostgresConnection) -> Bool) -> PostgresConnection? {
        var best: PostgresConnection?
        for slot in slots {
            guard let connection = slot.connection, connection.hasRoom, isFit(connection) else { continue }
            if best == nil || connection.load < best.unsafelyUnwrapped.load { best = connection }
        }
        return best
    }

    // MARK: Sharing

    /// Has each connection keep as many statements as its share, and looks each minute whether fewer could share.
    private func share() {
        for number in slots.indices {
            guard let connection = slots[number].connection else { continue }
            connection.keep(statements: width.statements(of: number, each: configuration.preparedStatements))
            if number < width.width { connection.isSurplus = false }
        }
        guard width.width > 1, widthTimer == nil else { return }
        widthTimer = loop.schedule(after: configuration.calm) { [weak self] in self?.narrow() }
    }

    /// Sessions that have no share any more end: they would keep what they have learnt. Others are made in their place, for units
    /// whose connection has no room or stands still.
    private func narrow() {
        widthTimer = nil
        guard !isClosing else { return }
        let before = width.width
        if width.narrow() {
            for slot in slots[width.width..<before] { slot.connection?.isSurplus = true }
            replaceSurplus()
        }
        share()
    }

    /// One at a time, and only while all stand.
    private func replaceSurplus() {
        guard !isClosing, slots.allSatisfy({ $0.connection?.state == .ready }),
            let surplus = slots.lazy.compactMap(\.connection).first(where: \.isSurplus)
        else { return }
        surplus.isBeingReplaced = true
        surplus.retire()
    }

    /// Answers a waiter before its unit is done. The unit is taken back if it was not sent yet, and else cancelled if the
    /// server is at it for long.
    private func drop(_ pending: PendingUnit, _ error: PostgresError) {
        guard !pending.isFinished else { return }
        pending.finish(.failure(error.withCommitUnknown(pending.isSent)))
        guard pending.isSent else { return queue.removeAll { $0 === pending } }
        for slot in slots { slot.connection?.lookAtOldest() }
    }

    private func refuseQueue(_ error: PostgresError) {
        for pending in queue { pending.finish(.failure(error)) }
        queue.removeAll()
    }

    // MARK: Idleness

    private func lookForIdleness() {
        guard let limit = configuration.idleLimit else { return }
        idleTimer = loop.schedule(at: lastUnit.advanced(by: limit)) { [weak self] in
            guard let self, !isClosing else { return }
            let isIdle = loop.now >= lastUnit.advanced(by: limit) && queue.isEmpty
            // One that is being connected to, or looked for, is not left in the middle of it.
            if isIdle, slots.allSatisfy({ $0.connection?.state == .ready && $0.connection?.load == 0 }) {
                isAsleep = true
                for slot in slots { slot.connection?.retire() }
            } else {
                // Looking again at a time that has passed would be looking for ever.
                lastUnit = max(lastUnit, loop.now.advanced(by: .zero - limit / 2))
                lookForIdleness()
            }
        }
    }

    private func wake() {
        lastUnit = loop.now
        guard isAsleep else { return }
        isAsleep = false
        lookForIdleness()
        for number in slots.indices where slots[number].connection == nil { connect(number) }
    }

    // MARK: Deadlines

    /// One timer stands for all deadlines: it is moved only by an earlier one, and looks at all units when it fires.
    private func expire(by deadline: MonotonicTime) {
        if let timer = deadlineTimer {
            guard deadline < timer.deadline else { return }
            timer.cancel()
        }
        deadlineTimer = loop.schedule(at: deadline) { [weak self] in self?.dropExpired() }
    }

    private func dropExpired() {
        deadlineTimer = nil
        var next: MonotonicTime?
        var expired: [PendingUnit] = []
        for pending in queue + slots.flatMap({ $0.connection?.unitsInFlight ?? [] }) where !pending.isFinished {
            guard let deadline = pending.deadline else { continue }
            if deadline <= loop.now { expired.append(pending) } else { next = min(next ?? deadline, deadline) }
        }
        for pending in expired { drop(pending, Self.deadlineExceeded) }
        if let next { expire(by: next) }
    }

    // MARK: Status

    /// How the pool stands. On the loop.
    package var status: PostgresPoolStatus {
        loop.assertOnLoop()
        return PostgresPoolStatus(
            connections: slots.count { $0.connection?.state == .ready }, sharing: width.width, unitsQueued: queue.count,
            unitsInFlight: unitsInFlight, outage: outage)
    }

    private var unitsInFlight: Int { slots.reduce(0) { $0 + ($1.connection?.load ?? 0) } }

    private static let deadlineExceeded = PostgresError(.deadlineExceeded, "the caller's deadline passed")

    private static func unavailable(_ outage: PostgresError) -> PostgresError {
        PostgresError(
            .unavailable, "no connection to the database: \(outage.explanation)", sqlState: outage.sqlState,
            serverMessage: outage.serverMessage)
    }

    // MARK: The end

    /// Takes no further units, answers those it has, closes the connections and returns when all is done. On the loop.
    package func close() async {
        loop.assertOnLoop()
        isClosing = true
        idleTimer?.cancel()
        widthTimer?.cancel()
        for number in slots.indices {
            slots[number].retry?.cancel()
            if let connection = slots[number].connection, connection.state != .ready {
                connection.close(PostgresError(.unavailable, "the pool is closed"))
            }
        }
        goOnClosing()
        guard !isClosed else { return }
        await withUnsafeContinuation { closeWaiters.append($0) }
    }

    private var isClosed: Bool { slots.allSatisfy { $0.connection == nil } }

    private func goOnClosing() {
        guard isClosing else { return }
        let ready = slots.compactMap(\.connection).filter { $0.state == .ready }
        if ready.isEmpty { refuseQueue(PostgresError(.unavailable, "the pool is closed")) }
        if queue.isEmpty {
            for connection in ready { connection.retire() }
        }
        guard isClosed else { return }
        deadlineTimer?.cancel()
        for waiter in closeWaiters { waiter.resume() }
        closeWaiters.removeAll()
    }
}

// MARK: Connections

extension PostgresPool: PostgresConnectionOwner {
    private func connect(_ number: Int) {
        let connection = PostgresConnection(
            loop: loop, configuration: configuration, number: number, memory: memory)
        connection.keep(statements: width.statements(of: number, each: configuration.preparedStatements))
        connection.owner = self
        slots[number].connection = connection
        slots[number].retry = nil
        connection.start()
    }

    func connectionIsReady(_ connection: PostgresConnection) {
        if outage != nil {
            outage = nil
            follow()
        }
        configuration.onEvent(.connected(connection: connection.number))
        connectionHasRoom(connection)
        replaceSurplus()
    }

    func connectionHasRoom(_ connection: PostgresConnection) {
        replaceIfWornOut(connection)
        while connection.hasRoom, let next = queue.popFirst() { connection.submit(next) }
        goOnClosing()
    }

    /// Ends a session that has seen too much, one at a time: it answers what it has, and another one is made in its place.
    private func replaceIfWornOut(_ connection: PostgresConnection) {
        guard connection.isWornOut, !isClosing, slots.allSatisfy({ $0.connection?.state == .ready }) else { return }
        connection.isBeingReplaced = true
        connection.retire()
    }

    func connectionFoundServerReadOnly(_ connection: PostgresConnection) {
        // All of them are with the same server, and each would only find out by a unit that it fails.
        for slot in slots { slot.connection?.retire() }
    }

    func connectionWasLostInSilence(_ connection: PostgresConnection) {
        guard !isClosing else { return }
        for slot in slots { slot.connection?.doubt() }
    }

    func connection(
        _ connection: PostgresConnection, didCloseWith error: PostgresError, unrun: [PendingUnit]
    ) {
        let number = connection.number
        guard slots[number].connection === connection else { return }
        slots[number].connection = nil
        guard !isClosing else {
            for pending in unrun { pending.finish(.failure(error)) }
            return goOnClosing()
        }
        // Above the queue's limit if need be: they were let in before, and are no more than connections hold.
        queue.insert(contentsOf: unrun, at: 0)
        defer { if !unrun.isEmpty { for slot in slots { slot.connection.map(connectionHasRoom) } } }

        // A connection that did some work shows that the server is well; one that never did is not tried again at once.
        if connection.hasServed { slots[number].backoff.reset() }
        if isAsleep { return }
        // Nothing failed: there is nothing to wait for, and nothing to tell.
        if connection.isBeingReplaced { return connect(number) }
        if connection.wasReady {
            let pause = reconnect(number)
            configuration.onEvent(.disconnected(connection: number, error, retryAfter: pause))
            return
        }
        if !slots.contains(where: { $0.connection?.state == .ready }) {
            outage = error
            refuseQueue(Self.unavailable(error))
        }
        let isAnotherTrying = slots.contains { $0.connection != nil || $0.retry != nil }
        let pause = outage != nil && isAnotherTrying ? nil : reconnect(number)
        configuration.onEvent(.connectFailed(connection: number, error, retryAfter: pause))
    }

    /// Makes a connection anew after its pause, which is returned.
    private func reconnect(_ number: Int) -> Duration {
        slots[number].retry?.cancel()
        let pause = slots[number].backoff.next(configuration.randomness())
        slots[number].retry = loop.schedule(after: pause) { [weak self] in self?.connect(number) }
        return pause
    }

    /// A server was found after an outage, in which one connection looks for all. The others need not wait any more.
    private func follow() {
        for number in slots.indices where slots[number].connection == nil {
            slots[number].backoff.reset()
            _ = reconnect(number)
        }
    }
}
