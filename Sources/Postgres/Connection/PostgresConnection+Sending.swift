internal import CLibPQ
internal import CarillonNet

// Every send hands a command to libpq's buffer and tells the machine. A refusal by libpq (the connection is bad, or
// memory is short) leaves an exchange without its Sync, so the connection is closed by `sendSync`.
extension PostgresConnection {
    /// Sends a unit. The connection must have room, and the unit be valid.
    func submit(_ pending: PendingUnit) {
        loop.assertOnLoop()
        precondition(hasRoom, "the connection takes no unit now")
        send(pending)
        if cache.evictedCount > 0 { sendDeallocation() }
    }

    /// Sends a unit, for the first time or once more.
    func send(_ pending: PendingUnit) {
        pending.beginSending()
        machine.begin(.unit)
        inFlight.append(.unit(pending))
        guardOldest()
        wear.note(pending.unit, within: configuration)

        send(prepared: Self.begin, as: .begin)
        if let role = pending.unit.role { send(text: "SET LOCAL ROLE \"\(role)\"", as: .setRole) }
        if pending.unit.plansOnce { send(prepared: Self.planOnce, as: .setLocal) }
        for (index, query) in pending.unit.queries.enumerated() { send(query, index, of: pending) }
        send(prepared: Self.commit, as: .commit)
        sendSync()
    }

    /// Ends a transaction that a failed unit left open.
    func sendRepair() {
        machine.begin(.repair)
        inFlight.append(.repair)
        send(prepared: Self.rollback, as: .rollback)
        sendSync()
    }

    /// Frees statements that the cache has dropped: few at a time where units wait behind it. Not part of a unit: DEALLOCATE is
    /// not undone by a rollback, and a unit must not fail by it.
    private func sendDeallocation() {
        let names = cache.takeEvicted(load > 1 ? 4 : 32)
        machine.begin(.deallocation)
        inFlight.append(.deallocation(names))
        for (place, name) in names.enumerated() { send(text: "DEALLOCATE \(name)", as: .deallocate(place)) }
        sendSync()
    }

    private func send(_ query: Query, _ index: Int, of pending: PendingUnit) {
        parameters.encode(query.parameters)
        guard query.statement.prepared else {
            return send(.query(index)) { handle in
                parameters.types.withUnsafeBufferPointer { types in
                    parameters.withArguments { count, values, lengths, formats in
                        PQsendQueryParams(
                            handle, query.statement.text, count, types.baseAddress, values, lengths, formats, 1)
                    }
                }
            }
        }
        let name: String
        switch cache.look(up: query.statement, types: parameters.types) {
        case .prepared(let known): name = known
        case .prepare(let new, let types):
            name = new
            pending.preparations.append((index, new))
            send(.prepare(query: index)) {
                PQsendPrepare($0, new, query.statement.text, CInt(types.count), types)
            }
        }
        send(.query(index)) { handle in
            parameters.withArguments { count, values, lengths, formats in
                PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
            }
        }
    }

    private func send(prepared name: String, as command: PipelineStateMachine.Command) {
        send(command) { PQsendQueryPrepared($0, name, 0, nil, nil, nil, 1) }
    }

    func send(text: String, as command: PipelineStateMachine.Command) {
        send(command) { PQsendQueryParams($0, text, 0, nil, nil, nil, nil, 1) }
    }

    func send(_ command: PipelineStateMachine.Command, _ body: (OpaquePointer) -> CInt) {
        guard let handle, !hasSendFailed else { return }
        if body(handle) == 1 { machine.sent(command) } else { hasSendFailed = true }
    }

    func sendSync() {
        send(.sync) { carillon_pq_send_sync($0) }
        guard !isFlushRequested else { return }
        isFlushRequested = true
        loop.atEndOfTick(self)
    }

    /// Writes what libpq still holds. Also the place where a failed send ends the connection: the owner is not called
    /// back from within its own call.
    func endOfTick() {
        isFlushRequested = false
        guard let handle, state != .closed else { return }
        guard !hasSendFailed else { return lose("libpq could not send") }
        switch PQflush(handle) {
        case 0: watch?.interest = .readable
        case 1: watch?.interest = [.readable, .writable]
        // The server may have said why before it went: reading finds that out.
        default: ready(.readable)
        }
    }
}
